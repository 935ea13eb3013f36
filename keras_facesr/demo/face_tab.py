"""One face: enlarged beside bicubic, and the other answers of a model that draws some. ``jobs`` does it."""

import html

from keras_facesr.demo import jobs
from keras_facesr.demo.kit import LATEST, ONE_AT_A_TIME, QUICK, STILL, friendly, gr

COMPARED = "Bicubic | model"


def build(name, folder):
    """The tab within an open ``gr.Blocks``, with the preset of this name chosen; its jobs write below ``folder``."""
    presets = jobs.enlargers()
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            file = gr.File(label="A picture of a face", height=160, elem_id="file")
            built_in = gr.Button("Take the built-in face", size="sm", elem_id="built-in")
            picture = gr.Image(label="As it was read", height=200, elem_id="picture", **STILL)
            model = gr.Dropdown(list(presets), value=name, label="Model", elem_id="model")
            about = gr.Markdown(_about(presets[name]), elem_id="about")
            enlarge = gr.Button("Enlarge", variant="primary", elem_id="enlarge")
        with gr.Column(scale=3, min_width=300):
            compare = gr.ImageSlider(label=COMPARED, format="png", height=560, buttons=["fullscreen"], elem_id="compare")
            download = gr.DownloadButton("Download PNG", interactive=False, elem_id="download")
    with gr.Column(visible=presets[name].is_stochastic, elem_id="others") as others:
        gr.Markdown("## Other answers\nMany large faces have the same small one. This model draws some of them.")
        with gr.Row():
            n = gr.Slider(1, 16, value=8, step=1, label="Samples", scale=3)
            seed = gr.Number(0, precision=0, minimum=0, maximum=2**31 - 1, label="Seed", scale=1, min_width=120)
        draw = gr.Button("Draw samples", variant="primary", elem_id="draw")
        with gr.Column(visible=False) as drawn:
            gallery = gr.Gallery(show_label=False, format="png", buttons=["download"], elem_id="gallery")
            with gr.Row():
                with gr.Column(min_width=300):
                    step = gr.Image(label="Along the latent", height=380, elem_id="step", **STILL)
                    position = gr.Slider(
                        1, jobs.WALK_STEPS, value=1, step=1, label="From one sample to another", elem_id="position"
                    )
                with gr.Column(min_width=300):
                    heat = gr.Image(label="Where the answers differ", height=380, elem_id="heat", **STILL)
                    heat_key = gr.HTML(elem_id="heat-key")
    walk = gr.State()

    @friendly
    def run_enlarge(path, name, progress=gr.Progress()):
        progress(0, desc="Preparing")
        show = lambda *done: progress(done, desc="Enlarging", unit="tiles")  # noqa: E731
        bicubic, sr, written = jobs.enlarge(path, name, folder, show, remark=lambda text: gr.Warning(html.escape(text)))
        return gr.update(value=(bicubic, sr), label=f"Bicubic | {name}"), gr.update(value=written, interactive=True)

    @friendly
    def run_draw(path, name, n, seed, progress=gr.Progress()):
        progress(0, desc="Preparing")
        show = lambda *done: progress(done, desc="Drawing", unit="parts")  # noqa: E731
        answers = jobs.draw(path, name, int(n), seed or 0, folder, show)
        return {
            drawn: gr.update(visible=True),
            gallery: answers.samples,
            walk: answers.walk,
            step: answers.walk[0],
            position: 1,
            heat: answers.heat,
            heat_key: _heat_key(answers.largest),
        }

    def start_anew(name):
        """Clear what was made from the former picture or by the former model."""
        return {
            about: _about(presets[name]),
            compare: gr.update(value=None, label=COMPARED),
            download: gr.update(value=None, interactive=False),
            others: gr.update(visible=presets[name].is_stochastic),
            drawn: gr.update(visible=False),
        }

    running = [
        enlarge.click(run_enlarge, [file, model], [compare, download], **ONE_AT_A_TIME),
        draw.click(run_draw, [file, model, n, seed], [drawn, gallery, walk, step, position, heat, heat_key], **ONE_AT_A_TIME),
    ]
    built_in.click(lambda name: str(jobs.built_in(name, folder)), model, file, **QUICK)
    glance = file.change(friendly(jobs.glance), file, picture, show_progress="hidden")
    glance.failure(lambda: None, None, picture, **QUICK)  # else the former picture would stay
    anew = [about, compare, download, others, drawn]
    gr.on([file.change, model.change], start_anew, model, anew, cancels=running, **QUICK)
    position.input(lambda walk, position: walk[position - 1], [walk, position], step, **QUICK, **LATEST)


def _about(preset):
    """One line about a model."""
    side = preset.hr_size and preset.hr_size // preset.scale
    size = f"made for faces of {side}x{side} pixels" if side else "for faces of any size"
    return f"{preset.description}. {preset.scale} times as high and wide, {size}."


def _heat_key(largest):
    """What the colours of the heat picture mean."""
    return (
        f'<div class="bar"></div><div class="ends"><span>all agree</span><span>{255 * largest:.0f} of 255 levels</span></div>'
        f"Standard deviation of {jobs.DEVIATION_SAMPLES} samples, mean over colours."
    )
