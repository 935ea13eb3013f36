"""Writes small films, for which PyAV (extra ``video``) is needed."""

from fractions import Fraction

import numpy as np

BT601, BT709, LIMITED = 6, 1, 1  # FFmpeg's numbers
UNIT = Fraction(1, 12800)  # of the films' times, 512 a frame


def write_film(
    path,
    frames,
    times=None,
    codec="libx264",
    pixels="yuv420p",
    matrix=BT601,
    sounds=0,
    tone="aac",
    turn=0,
    mirrored=False,
    lasts=None,
    languages=(),
    interlaced=False,
):
    """A film of these frames, uint8 (H, W, 3) each, the last one shown for ``lasts``, and of as many tones: its path.

    The tones last longer than the frames; the last of ``languages``, one a tone, is the default. Of an ``interlaced``
    film's frames the lower rows are the first field.
    """
    import av

    how = {"crf": "1", **({"x264-params": "bff=1"} if interlaced else {})}
    with av.open(str(path), "w") as film:
        stream = film.add_stream(codec, rate=25, options=how if codec == "libx264" else {})
        encoder = stream.codec_context
        encoder.height, encoder.width = frames[0].shape[:2]
        encoder.pix_fmt, encoder.time_base, encoder.colorspace, encoder.color_range = pixels, UNIT, matrix, LIMITED
        stream.set_display_rotation(turn, hflip=mirrored)
        tones = [film.add_stream(tone, rate=8000, layout="mono") for _ in range(sounds)]
        for tone_of, language in zip(tones, languages):
            tone_of.metadata.update(language=language, title=f"in {language}")
            tone_of.disposition = av.stream.Disposition.default if language == languages[-1] else av.stream.Disposition(0)
        packets = []
        for number, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            frame = frame.reformat(format=pixels, dst_colorspace=matrix, dst_color_range=LIMITED)
            frame.pts, frame.time_base = times[number] if times else 512 * number, UNIT
            packets += stream.encode(frame)
        packets += stream.encode(None)
        if lasts:
            packets[-1].duration = lasts
        film.mux(packets)
        samples = np.arange(320 * len(frames) + 4096, dtype=np.float32)
        for pitch, stream in enumerate(tones, 1):
            wave = 0.3 * np.sin(pitch * 0.3 * samples)[None]
            if tone != "aac":
                wave = (32767 * wave).astype(np.int16)
            for start in range(0, wave.size, 1024):
                sound = np.ascontiguousarray(wave[:, start : start + 1024])
                frame = av.AudioFrame.from_ndarray(sound, format="fltp" if tone == "aac" else "s16", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = 8000, start, Fraction(1, 8000)
                film.mux(stream.encode(frame))
            film.mux(stream.encode(None))
    return path
