"""Whole photographs: restored beside bicubic, each face with its other answers to choose among. ``photo_jobs`` does it."""

import html

from keras_facesr.demo import jobs, photo_jobs
from keras_facesr.demo.kit import LATEST, ONE_AT_A_TIME, QUICK, STILL, friendly, gr
from keras_facesr.photos.choose import BY_WIDTH, SMALLEST
from keras_facesr.photos.restore import SCALES

COMPARED = "Bicubic | restored"
HOW = "Each face is found and enlarged by the network that fits its width, the rest by another."
NO_CHOICE = f"No network here draws other answers: those for faces of {SMALLEST} to {BY_WIDTH[None][-1][0]} pixels do."  # SAM's


def build(folder):
    """The tab within an open ``gr.Blocks``; its jobs write below ``folder``."""
    if lacking := photo_jobs.lacking():
        gr.Markdown(html.escape(lacking), elem_id="photo-lacking")
        return
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            file = gr.File(label="A photograph", height=160, elem_id="photo-file")
            built_in = gr.Button("Take the built-in photograph", size="sm", elem_id="photo-built-in")
            picture = gr.Image(label="As it was read", height=200, elem_id="photo-picture", **STILL)
            scale = gr.Radio(list(SCALES), value=4, label="Times as high and wide", elem_id="photo-scale")
            clean = gr.Checkbox(False, label="It was only reduced: no noise, no JPEG", elem_id="photo-clean")
            faces_only = gr.Checkbox(False, label="Interpolate all but the faces: faster", elem_id="photo-faces-only")
            with gr.Row():
                samples = gr.Slider(0, 8, value=0, step=1, label="Samples per face", info="0: the most probable one", scale=2)
                seed = gr.Number(0, precision=0, minimum=0, maximum=2**31 - 1, label="Seed", scale=1, min_width=100)
            gr.Markdown(HOW, elem_id="photo-about")
            restore = gr.Button("Restore", variant="primary", elem_id="restore")
        with gr.Column(scale=3, min_width=300):
            compare = gr.ImageSlider(label=COMPARED, format="png", height=560, buttons=["fullscreen"], elem_id="photo-compare")
            said = gr.Markdown(elem_id="photo-said")
            download = gr.DownloadButton("Download PNG", interactive=False, elem_id="photo-download")
    with gr.Column(visible=False) as found:
        gr.Markdown("## Faces\nBefore and after.")
        faces = gr.Gallery(show_label=False, format="png", object_fit="contain", buttons=["download"], elem_id="photo-faces")
    with gr.Column(visible=False) as others:
        gr.Markdown("## Other answers\nMany large faces have the same small one. Choose which one the photograph gets.")
        face = gr.Radio(label="Face", elem_id="photo-face")
        answers = gr.Gallery(show_label=False, format="png", buttons=["download"], elem_id="photo-answers")
        answer = gr.Radio(label="Answer", elem_id="photo-answer")
    photograph = gr.State()

    def shown(photograph):
        """The whole of what is seen of the photograph as it is now."""
        views = photo_jobs.put_together(photograph, folder)
        return {
            compare: (views.bicubic, views.restored),
            download: gr.update(value=views.written, interactive=True),
            faces: views.faces,
            said: views.said,
        }

    def offered(photograph, number):
        """The answers of the face of this number, from 1."""
        numbered = [(crop, str(k)) for k, crop in enumerate(photograph.choices[number - 1], 1)]
        chosen = photograph.chosen[number - 1] + 1
        return {answers: numbered, answer: gr.update(choices=list(range(1, len(numbered) + 1)), value=chosen)}

    @friendly
    def run_restore(path, scale, faces_only, samples, seed, clean, progress=gr.Progress()):
        progress(0, desc="Preparing")
        show = lambda part: progress(part, desc="Restoring")  # noqa: E731
        done = photo_jobs.restore(path, scale, faces_only, int(samples), seed or 0, clean, show)
        result = {photograph: done, **shown(done), found: gr.update(visible=bool(done.parts.faces))}
        numbers = [k + 1 for k in done.choices]
        if not numbers:
            result[said] += f" {NO_CHOICE}" if samples and done.parts.faces else ""
            return {**result, others: gr.update(visible=False)}
        first = {face: gr.update(choices=numbers, value=numbers[0]), **offered(done, numbers[0])}
        return {**result, others: gr.update(visible=True), **first}

    @friendly
    def run_choose(photograph_now, number, chosen):
        changed = photograph_now.with_answer(number - 1, chosen - 1)
        return {photograph: changed, **shown(changed)}

    def start_anew():
        """What was made of another photograph goes away."""
        return {
            photograph: None,
            compare: None,
            download: gr.update(value=None, interactive=False),
            said: "",
            found: gr.update(visible=False),
            others: gr.update(visible=False),
        }

    how, seen = [scale, faces_only, samples, seed, clean], [photograph, compare, download, faces, said]
    running = [
        restore.click(run_restore, [file, *how], [*seen, found, others, face, answers, answer], **ONE_AT_A_TIME),
        answer.input(run_choose, [photograph, face, answer], seen, **ONE_AT_A_TIME, **LATEST),
    ]
    face.input(offered, [photograph, face], [answers, answer], **QUICK, **LATEST)
    built_in.click(lambda: str(photo_jobs.built_in(folder)), None, file, **QUICK)
    glance = file.change(friendly(jobs.glance), file, picture, show_progress="hidden")
    glance.failure(lambda: None, None, picture, **QUICK)  # else the former picture would stay
    file.change(start_anew, None, [photograph, compare, download, said, found, others], cancels=running, **QUICK)
