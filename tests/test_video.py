"""Films: what the answer carries over, how it is interrupted and resumed, and that faces neither tremble nor flicker."""

import json
import os
import signal
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from films import BT601, BT709, write_film
from finding import installed
from processes import run_script
from test_photos import Blocks, a_face, wall_with_a_face

from keras_facesr import presets
from keras_facesr.cli import main
from keras_facesr.data.degrade import resize
from keras_facesr.data.images import to_pixels
from keras_facesr.errors import CallError, FacesrError, PresetError
from keras_facesr.inference.runtimes import LiteRT
from keras_facesr.photos import restore as photos
from keras_facesr.photos.restore import load_fastest
from keras_facesr.video import restore, restore_video, track
from keras_facesr.video.read import Film
from keras_facesr.video.steady import Steady
from keras_facesr.video.track import Tracker
from keras_facesr.video.write import Part, Parts, join

av = pytest.importorskip("av", reason="needs the extra video")
pytestmark = pytest.mark.skipif(not installed(), reason="needs the extra video")

RED, GREEN = (200, 40, 40), (30, 180, 60)


def decoded(path):
    """The frames' pixels and their times in seconds, by PyAV alone."""
    with av.open(str(path)) as film:
        frames = [*film.decode(video=0)]
        return [frame.to_ndarray(format="rgb24") for frame in frames], [frame.time for frame in frames]


def sound_of(path):
    """Of each sound track the packets' times and content."""
    with av.open(str(path)) as film:
        tracks = [[] for _ in film.streams.audio]
        for packet in film.demux(audio=[*range(len(tracks))]):
            if packet.dts is not None:
                tracks[[*film.streams.audio].index(packet.stream)].append((packet.pts * packet.time_base, bytes(packet)))
        return tracks


def halves(height, width, count):
    """Frames whose left half is red, whose right half is green, and whose top is lighter from frame to frame."""
    frames = np.empty((count, height, width, 3), np.uint8)
    frames[:, :, : width // 2], frames[:, :, width // 2 :] = RED, GREEN
    frames[:, : height // 4] = np.linspace(60, 200, count)[:, None, None, None]
    return [*frames]


@pytest.fixture
def no_face(monkeypatch):
    monkeypatch.setattr(track, "find_faces", lambda rgb: ([], 0))


def blocks(name, samples=0):
    return Blocks(presets.find(name).scale, off=0 if name.startswith("edsr") else 14)


quickly = partial(restore_video, scale=2, faces_only=True, load=blocks)


@pytest.mark.parametrize("matrix", [BT601, BT709])
def test_every_frame_keeps_its_time_and_colours_and_every_sound_track_is_carried_over(tmp_path, no_face, matrix):
    times = [1024, 1536, 3000, 3001, 9000, 9512, 15000, 20000]
    film = write_film(tmp_path / "in.mp4", halves(32, 48, 8), times, matrix=matrix, sounds=2)
    done = quickly(film, tmp_path / "out.mp4")
    answers, shown = decoded(done.path)
    frames, given = decoded(film)
    assert done.frames == len(answers) == 8 and done.with_faces == 0 and shown == given
    sounds = sound_of(done.path)
    assert len(sounds) == 2 and sounds == sound_of(film) and sounds[0] != sounds[1]
    with av.open(str(done.path)) as answer:
        assert answer.streams.video[0].codec_context.colorspace == matrix
    for answer, frame in zip(answers, frames):
        assert answer.shape == (64, 96, 3)
        np.testing.assert_allclose(answer[40, (20, 70)], (RED, GREEN), atol=6)
        np.testing.assert_allclose(answer[8, 48], frame[4, 24], atol=6)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_last_frame_is_shown_as_long_as_the_given_one(tmp_path, no_face, suffix):
    film = write_film(tmp_path / f"in{suffix}", halves(32, 48, 3), codec="mpeg4", lasts=25600)
    answer = quickly(film, tmp_path / f"out{suffix}").path
    for path in (film, answer):
        with av.open(str(path)) as shown:
            assert shown.duration / av.time_base == pytest.approx(2 * 0.04 + 2, abs=2e-3)


def copied(film, path, late=0, chapters=(), **about):
    """A film without its frames encoded anew, ``late`` seconds later: its path."""
    with av.open(str(film)) as given, av.open(str(path), "w") as copy:
        copy.metadata.update(about)
        copy.set_chapters([*chapters])
        streams = {stream.index: copy.add_stream_from_template(stream) for stream in given.streams}
        for packet in given.demux():
            if packet.dts is not None:
                ticks = int(late / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + ticks, packet.dts + ticks, streams[packet.stream.index]
                copy.mux(packet)
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_recording_whose_clock_runs_since_long_begins_at_0(tmp_path, no_face, suffix):
    film = write_film(tmp_path / "in.mp4", halves(32, 48, 5), sounds=1)
    recording = copied(film, tmp_path / "in.ts", late=1000)
    answer = quickly(recording, tmp_path / f"out{suffix}").path
    (_, given), (_, shown) = decoded(recording), decoded(answer)
    begins = sound_of(recording)[0][0][0]  # before the pictures
    np.testing.assert_allclose(shown, np.array(given) - float(begins), atol=1e-3)
    assert begins > 999 and sound_of(answer)[0][0][0] == 0


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_chapters_are_carried_over(tmp_path, no_face, suffix):
    film, parts = write_film(tmp_path / "in.mp4", halves(32, 48, 5)), [("dawn", 0, 80), ("dusk", 80, 200)]
    about = [
        {"id": 1 + k, "start": start, "end": end, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
        for k, (title, start, end) in enumerate(parts)
    ]
    film = copied(film, tmp_path / "in.mkv", chapters=about)
    answer = quickly(film, tmp_path / f"out{suffix}").path
    with av.open(str(answer)) as shown:
        found = shown.chapters()
    times = [[1000 * chapter[end] * chapter["time_base"] for end in ("start", "end")] for chapter in found]
    assert [[chapter["metadata"]["title"], *time] for chapter, time in zip(found, times)] == [[*part] for part in parts]


def test_a_title_in_another_encoding_is_no_error(tmp_path, no_face):
    film = copied(
        write_film(tmp_path / "in.avi", halves(32, 48, 3), codec="mpeg4"), tmp_path / "titled.avi", title="F.te d..t."
    )
    film.write_bytes(film.read_bytes().replace(b"F.te d..t.", "Fête d'été".encode("latin-1")))
    with av.open(str(quickly(film, tmp_path / "out.mp4").path)) as answer:
        assert answer.metadata["title"] == "F\ufffdte d'\ufffdt\ufffd"


def test_interlaced_fields_become_one_picture_at_the_time_of_the_first(tmp_path):
    def field(time):
        rgb = np.full((64, 96, 3), 40, np.uint8)
        rgb[:, 10 + 4 * time : 30 + 4 * time] = 220
        return rgb

    frames = [field(2 * k) for k in range(6)]
    (still, times), woven = decoded(write_film(tmp_path / "progressive.mp4", frames)), []
    for k, frame in enumerate(frames):
        woven.append(frame.copy())
        woven[-1][::2] = field(2 * k + 1)[::2]  # the lower rows are first
    film = Film(write_film(tmp_path / "in.mp4", woven, interlaced=True))
    shown = [*film.frames()]
    assert [float(frame.pts * film.time_base) for frame in shown] == times and film.lasts == 512
    for frame, whole in zip(shown, still, strict=True):
        assert np.abs(np.float32(frame.rgb[20]) - frame.rgb[21]).max() < 3  # as given up to 180
        assert np.abs(np.float32(frame.rgb) - whole).mean() < 3
    assert len([*film.frames(4)]) == 2


def test_colours_run_smoothly_between_the_pixels_that_share_one(tmp_path):
    red = 120 + 80 * np.sin(np.arange(96) / 6)
    rgb = np.full((64, 96, 3), 120, np.float32)
    rgb[..., 0] = red
    (frame,) = Film(write_film(tmp_path / "in.mp4", [to_pixels(rgb)])).frames()
    seen = np.float32(frame.rgb[32, :, 0])
    steps, true = np.abs(np.diff(seen)), np.abs(np.diff(red))
    assert np.abs(steps - true)[2:-2].max() < 5


def test_a_turned_film_of_odd_size_without_sound_is_upright(tmp_path, no_face):
    film = write_film(tmp_path / "in.mov", halves(33, 47, 3), codec="mjpeg", pixels="yuvj444p", turn=90)
    with av.open(str(film)) as given:
        assert next(given.decode(video=0)).rotation == 90
    (answer, *_), _ = decoded(quickly(film, tmp_path / "out.mkv").path)
    assert answer.shape == (94, 66, 3)
    np.testing.assert_allclose(answer[(10, 80), 50], (GREEN, RED), atol=12)  # turned counterclockwise, as FFmpeg says it


@pytest.mark.parametrize("turn", [0, 90, 180, -90])
def test_a_mirrored_film_is_shown_as_players_show_it(tmp_path, no_face, turn):
    frame = halves(32, 48, 1)[0]
    film = write_film(tmp_path / "in.mp4", [frame], turn=turn, mirrored=True)
    (answer,), _ = decoded(quickly(film, tmp_path / "out.mp4").path)
    shown = np.fliplr(np.rot90(frame, turn // 90))
    assert np.abs(np.float32(answer[::2, ::2]) - shown).mean() < 8  # as it was stored: 39 and more


def test_sounds_keep_their_languages_and_titles_and_which_is_the_default(tmp_path, no_face):
    film = write_film(tmp_path / "in.mp4", halves(32, 48, 2), sounds=2, languages=("eng", "fra"))
    for suffix, title in ((".mp4", "name"), (".mkv", "title")):  # as FFmpeg reads them
        with av.open(str(quickly(film, tmp_path / f"out{suffix}").path)) as answer:
            sounds = answer.streams.audio
            told = [(sound.metadata["language"], sound.metadata[title], bool(sound.disposition)) for sound in sounds]
        assert told == [("eng", "in eng", False), ("fra", "in fra", True)]


def test_a_sound_that_ffmpeg_does_not_know_is_left_out_beside_one_that_it_knows(tmp_path, no_face):
    film = write_film(tmp_path / "in.mp4", halves(32, 48, 2), sounds=2)
    known, *rest = film.read_bytes().rsplit(b"mp4a", 1)
    film.write_bytes(known + b"apac" + rest[0].replace(b"esds", b"free"))  # as an iPhone names its spatial sound
    assert sound_of(quickly(film, tmp_path / "out.mp4").path) == sound_of(film)[:1]
    film.write_bytes(film.read_bytes().replace(b"mp4a", b"apac").replace(b"esds", b"free"))
    with pytest.raises(CallError, match=r"in\.mp4: FFmpeg does not know the format of its sound"):
        quickly(film, tmp_path / "other.mp4")


def test_a_colon_in_a_name_is_no_protocol(tmp_path, no_face, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_film(tmp_path / "10:30.mp4", halves(32, 48, 2))
    assert quickly("10:30.mp4", "11:30.mp4").frames == len(decoded(tmp_path / "11:30.mp4")[0]) == 2


@pytest.fixture
def foreground():
    """Ctrl+C ends this process, also where it was started in the background, as which it ignores it."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


def test_ctrl_c_leaves_a_film_that_plays_and_resume_goes_on_behind_it(tmp_path, no_face, foreground):
    film, out = write_film(tmp_path / "in.mp4", halves(32, 48, 12), sounds=1), tmp_path / "out.mp4"

    def stop_at(number):
        return lambda done, total: done == number and os.kill(os.getpid(), signal.SIGINT)

    for number, resume in ((5, False), (9, True)):
        with pytest.raises(KeyboardInterrupt, match=f"first {number} frames; --resume"):
            quickly(film, out, resume=resume, show=stop_at(number))
        assert len(decoded(out)[0]) == number and sound_of(out)[0][-1][0] < number / 25
    with pytest.raises(FacesrError, match="--resume goes on"):
        quickly(film, out)
    with pytest.raises(CallError, match="another --scale"):
        restore_video(film, out, scale=4, faces_only=True, resume=True, load=blocks)
    done = quickly(film, out, resume=True)
    whole = quickly(film, tmp_path / "whole.mp4")
    assert (done.frames, done.enlarged) == (12, 3) and decoded(out)[1] == decoded(whole.path)[1]
    assert sound_of(out) == sound_of(film) and not (tmp_path / ".out.mp4.parts").exists()
    for resumed, unbroken in zip(decoded(out)[0], decoded(whole.path)[0]):
        assert np.abs(resumed.astype(int) - unbroken).mean() < 2


@pytest.mark.parametrize("how", [{}, {"resume": True}, {"overwrite": True}])
def test_a_film_that_another_call_is_writing_is_left_alone(tmp_path, no_face, monkeypatch, how):
    pytest.importorskip("fcntl")
    monkeypatch.setattr(restore, "PART_FRAMES", (4, 4))
    film, out, refused = write_film(tmp_path / "in.mp4", halves(32, 48, 6)), tmp_path / "out.mp4", []

    def meanwhile(done, total):
        if done in (2, 5):
            with pytest.raises(FacesrError) as caught:
                quickly(film, out, **how)
            refused.append(caught.value)

    assert quickly(film, out, show=meanwhile).frames == len(decoded(out)[0]) == 6
    assert isinstance(refused[0], CallError) and len(refused) == 2
    assert "out.mp4: is being written by another call" in str(refused[0])
    assert quickly(film, out, overwrite=True).frames == 6


def test_parts_of_any_length_are_joined_frame_by_frame(tmp_path):
    counts = [*range(1, 13), 30]
    frames = halves(32, 48, sum(counts))
    film = Film(write_film(tmp_path / "film.mp4", frames))
    parts = Parts(tmp_path / "large.mp4", {})
    parts.begin()
    for count in counts:
        part, first = Part(parts, film, 1), parts.done
        for number in range(first, first + count):
            part.add(frames[number], 512 * number)
        part.close()
    join(parts, film, parts.out)
    _, times = decoded(parts.out)
    assert times == pytest.approx([0.04 * number for number in range(len(frames))], abs=1e-3)


def test_what_has_its_name_is_on_the_disk_should_the_power_fail(tmp_path, no_face, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    monkeypatch.setattr(restore, "PART_FRAMES", (4, 4))
    named = []

    def joined(parts, *how, **more):
        named.extend(path.stat().st_ino for path in parts.folder.iterdir())
        join(parts, *how, **more)

    monkeypatch.setattr(restore, "join", joined)
    done = quickly(write_film(tmp_path / "in.mp4", halves(32, 48, 6)), tmp_path / "out.mp4")
    assert len(named) == 3 and {*named, done.path.stat().st_ino} <= {*synced}


@pytest.mark.parametrize(("full", "kept"), [("in a part", 4), ("at the end", 8)])
def test_a_full_disk_is_named_in_a_line_and_resume_goes_on_behind_what_is_kept(
    tmp_path, no_face, monkeypatch, capsys, full, kept
):
    """A limit on the size of files stands for the full disk: the system refuses what is written beyond it."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(restore, "PART_FRAMES", (2, 2))
    noise = [*np.random.default_rng(0).integers(0, 256, (4, 32, 48, 3), dtype=np.uint8)]
    film, out = write_film(tmp_path / "in.mp4", halves(32, 48, 4) + noise, sounds=1), tmp_path / "out.mp4"
    whole = quickly(film, tmp_path / "whole.mp4").path
    room = {"in a part": 3000, "at the end": whole.stat().st_size - 1}[full]
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    command = ["video", str(film), "-o", str(out), "--scale", "2", "--faces-only"]
    capsys.readouterr()
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, former[1]))
        assert main(command) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    line = capsys.readouterr().err
    assert "out.mp4: cannot be written (File too large)" in line and f"first {kept} frames are kept" in line
    assert line.count("\n") == 1 and "--resume" in line
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4", "whole.mp4", ".out.mp4.parts"}
    assert main([*command, "--resume"]) == 0
    said = f"8 frames, {8 - kept} of them now: no face found;" if kept < 8 else "8 frames, all of them done before\n"
    assert said in capsys.readouterr().out
    assert decoded(out)[1] == decoded(whole)[1] and sound_of(out) == sound_of(film)


def test_what_was_done_is_kept_where_a_network_is_missing_or_nothing_was_joined(tmp_path, no_face, foreground, monkeypatch):
    film, out = write_film(tmp_path / "in.mp4", halves(32, 48, 12)), tmp_path / "out.mp4"
    missing = lambda name, samples=0: (_ for _ in ()).throw(PresetError("weights cannot be fetched"))  # noqa: E731
    with pytest.raises(PresetError, match="^weights cannot be fetched$"):
        restore_video(film, out, scale=2, load=missing)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
    with pytest.raises(KeyboardInterrupt):
        quickly(film, out, show=lambda done, total: done == 5 and os.kill(os.getpid(), signal.SIGINT))
    with monkeypatch.context() as patch:
        patch.setattr(track, "find_faces", lambda rgb: ([a_face((10 + 10j, 22 + 10j), 24)], 0))
        with pytest.raises(PresetError):
            quickly(film, out, resume=True, load=missing)
    out.unlink()  # as after a crash
    with pytest.raises(FacesrError, match="out.mp4: was begun already; --resume goes on with it, --overwrite begins anew"):
        quickly(film, out)
    assert quickly(film, out, resume=True).enlarged == 12 - 5


def test_what_is_no_film_is_refused_in_a_line(tmp_path, capsys):
    film = write_film(tmp_path / "in.mp4", halves(32, 48, 3))
    (tmp_path / "text.mp4").write_text("no film")
    (tmp_path / "cut.mp4").write_bytes(film.read_bytes()[:500])
    (tmp_path / "unknown.mp4").write_bytes(film.read_bytes().replace(b"avc1", b"new1"))
    write_film(tmp_path / "picture.png", halves(8, 8, 1), codec="png", pixels="rgb24", matrix=0)
    for name, said in (
        ("missing.mp4", "No such file"),
        ("text.mp4", "cannot be read as a film (Invalid data found when processing input)"),
        ("cut.mp4", "cannot be read as a film"),
        ("unknown.mp4", "is in a format that this FFmpeg cannot decode; convert it first"),
        ("picture.png", "facesr photo"),
    ):
        assert main(["video", str(tmp_path / name), "-o", str(tmp_path / "out.mp4")]) == 1
        line = capsys.readouterr().err
        assert name in line and said in line and line.count("\n") == 1
    phoned = write_film(tmp_path / "phoned.mov", halves(32, 48, 3), sounds=1, tone="pcm_mulaw")
    assert main(["video", str(phoned), "-o", str(tmp_path / "out.mp4")]) == 2
    assert ".mp4 has no place for the film's sound, pcm_mulaw; try .mov or .mkv" in capsys.readouterr().err
    (tmp_path / "folder.mp4").mkdir()
    wrong = {"out.gif": "ends in .mp4", "in.mp4": "is the film that is read", "folder.mp4": "folder.mp4: is a folder"}
    for out, said in wrong.items():
        assert main(["video", str(film), "-o", str(tmp_path / out), "--overwrite"]) == 2
        assert said in capsys.readouterr().err


def broken_off(path):
    """A film of six frames of which the fourth is damaged."""
    film = write_film(path, halves(32, 48, 6), codec="png", pixels="rgb24", matrix=0)
    with av.open(str(film)) as given:
        fourth = [packet.pos for packet in given.demux(video=0) if packet.size][3]
    content = bytearray(film.read_bytes())
    content[fourth + 8 : fourth + 100] = bytes(92)
    film.write_bytes(content)
    return film


def test_a_film_that_breaks_off_is_enlarged_up_to_there(tmp_path, no_face):
    film = broken_off(tmp_path / "in.avi")
    with pytest.raises(FacesrError, match="in.avi: is broken .* has the [1-5] frames before"):
        quickly(film, tmp_path / "out.mp4")
    assert 0 < len(decoded(tmp_path / "out.mp4")[0]) < 6


def test_the_report_tells_of_a_film_that_breaks_off_what_was_done_and_why_no_more(tmp_path, no_face, capsys):
    film, out, report = broken_off(tmp_path / "in.avi"), tmp_path / "out.mp4", tmp_path / "report.json"
    assert main(["video", str(film), "-o", str(out), "--faces-only", "--json", str(report)]) == 1
    told = json.loads(report.read_text())
    assert told["frames"] == told["enlarged"] == len(decoded(out)[0]) and told["path"] == str(out)
    assert capsys.readouterr().err == f"facesr: {told['error']}\n" and "is broken from here on" in told["error"]


def test_a_trembling_face_is_held_and_a_moving_one_followed(monkeypatch):
    rng, rgb = np.random.default_rng(0), np.zeros((90, 160, 3), np.uint8)
    for step, held in ((0, 1), (0.5, 5)):
        places = [40 + step * k + rng.normal(0, 0.15, 2) @ (1, 1j) for k in range(40)]
        faces = [a_face((place + 40j, place + 12 + 40j), 24) for place in places]
        left = iter(faces)
        monkeypatch.setattr(track, "find_faces", lambda rgb: ([next(left)], 0))
        monkeypatch.setattr(track, "found_again", lambda rgb, face: next(left))
        tracker = Tracker()
        seen = [tracker.follow(rgb)[0][0].points[0] for _ in faces]
        assert tracker.count == 1
        assert (len({*seen}) <= held) if step == 0 else (len({*seen}) > held)
        assert np.abs(np.subtract(seen, [face.points[0] for face in faces])).max() < 0.15 * 12


def test_networks_keep_their_memory_through_a_film_and_give_it_back_at_its_end(tmp_path, monkeypatch):
    class Remembering(Blocks, LiteRT):
        def release(self):
            released.append(self.scale)

    wall, eyes = wall_with_a_face(28, (10, 6), (56, 80))
    face, released = a_face(eyes, 24), []
    for place in (track, photos):
        monkeypatch.setattr(place, "find_faces", lambda rgb, on_square=None: ([face], 0))
    monkeypatch.setattr(track, "found_again", lambda rgb, face: face)
    film = write_film(tmp_path / "in.mp4", [wall] * 2)
    how = {"faces_only": True, "load": lambda name, samples=0: Remembering(4)}
    done = restore_video(film, tmp_path / "out.mp4", show=lambda done, total: released.append("frame"), **how)
    assert done.with_faces == 2 and released == ["frame"] * 2 + [4] * 2
    released.clear()
    photos.restore_photo(wall, **how)
    assert released == [4] * 2


def test_a_lost_face_is_forgotten_and_a_cut_ends_all(monkeypatch):
    rgb, face = np.zeros((90, 160, 3), np.uint8), a_face((40 + 40j, 52 + 40j), 24)
    looks = iter([([face], 0), ([], 0)])
    monkeypatch.setattr(track, "find_faces", lambda rgb: next(looks))
    monkeypatch.setattr(track, "found_again", lambda rgb, face: a_face((40 + 40j, 52 + 40j), 24, score=0.1))
    tracker = Tracker()
    assert [len(tracker.follow(rgb)[0]) for _ in range(6)] == [1] * 4 + [0] * 2
    assert tracker.follow(rgb + 200) == ([], True)


def test_noise_that_a_network_makes_stronger_is_damped_and_what_moves_is_not():
    rng = np.random.default_rng(0)
    wall, _ = wall_with_a_face(shape=(48, 64), place=(10, 20))
    for shift, bounds in ((0, (0, 1.1)), (2, (0.85, 1.05))):
        steady, changes, former = Steady(), [], None
        for k in range(20):
            rgb = np.clip(np.roll(wall, k * shift, 1) + rng.normal(0, 3, wall.shape), 0, 255).astype(np.uint8)
            plain = resize(rgb, 96, 128)
            added = 2 * (plain - resize(rgb, 24, 32).repeat(4, 0).repeat(4, 1).astype(float)) * 0.3
            raw = np.clip(plain + added, 0, 255).astype(np.uint8)
            now = [picture.astype(float) for picture in (plain, raw, steady(rgb, raw))]
            if former:
                changes.append([np.abs(picture - before).mean() for picture, before in zip(now, former)])
            former = now
        by_bicubic, by_network, steadied = np.mean(changes[3:], axis=0)
        assert by_network > 1.2 * by_bicubic
        compared = steadied / (by_network if shift else by_bicubic)
        assert bounds[0] <= compared <= bounds[1]


@pytest.mark.slow
def test_300_frames_of_the_built_in_face_moving_are_followed_and_pasted_without_a_frame_lost_in_flat_memory(tmp_path):
    def frame(k):
        return wall_with_a_face(28, (10 + k // 20, 6 + k // 8), (56, 80))[0]

    film, out = write_film(tmp_path / "in.mp4", [frame(k) for k in range(300)]), tmp_path / "out.mp4"
    done = run_script(Path(__file__).with_name("film_worker.py"), film, out, cwd=tmp_path)  # whose memory is the film's alone
    assert done.returncode == 0, done.stderr
    *found, memory = json.loads(done.stdout)
    assert found == [300, 1, 300]
    print([round(used / 2**20, 1) for used in memory[::20]])
    assert max(memory[200:]) - max(memory[:200]) < 4 * 2**20
    answers, times = decoded(out)
    assert len(answers) == 300 and times == decoded(film)[1]
    for k in range(0, 300, 37):
        top, left = 2 * (10 + k // 20), 2 * (6 + k // 8)
        change = answers[k].astype(float) - resize(frame(k), 112, 160)
        assert np.abs(change[top + 16 : top + 40, left + 16 : left + 40]).mean() > 2 * np.abs(change[:10]).mean()


@pytest.mark.slow
@pytest.mark.parametrize(("side", "faces"), [(22, "sam_small_x8"), (36, "sam_real_x4"), (80, "cagface_real_x4")])
def test_a_still_face_flickers_at_most_a_tenth_more_than_by_bicubic(tmp_path, side, faces):
    rng, asked = np.random.default_rng(0), set()
    whole = max(64, side + 24)
    wall, _ = wall_with_a_face(side, (12, 12), (whole, whole))
    noisy = [np.clip(np.rint(wall + rng.normal(0, 2, wall.shape)), 0, 255).astype(np.uint8) for _ in range(12)]
    film = write_film(tmp_path / "in.mp4", noisy)

    def load(name, samples=0):
        asked.add(name)
        return load_fastest(name, samples)

    done = restore_video(film, tmp_path / "out.mp4", faces_only=True, load=load)
    assert done.with_faces == 12 and faces in asked
    inner = slice(4 * 16, 4 * (8 + side))
    by_bicubic = [resize(frame, 4 * whole, 4 * whole) for frame in decoded(film)[0]]
    flickers = [
        np.mean([np.abs(b[inner, inner].astype(float) - a[inner, inner]).mean() for a, b in zip(frames, frames[1:])])
        for frames in (decoded(done.path)[0], by_bicubic)
    ]
    print(f"{faces}: {flickers[0] / flickers[1]:.3f}")
    assert flickers[0] <= 1.1 * flickers[1]
