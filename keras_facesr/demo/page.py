"""The page's layout and its server, which is reached from this machine alone and contacts no other."""

import html
import os
import tempfile
from contextlib import contextmanager
from functools import wraps

from keras_facesr.demo import jobs
from keras_facesr.errors import FacesrError
from keras_facesr.importing import imported


@contextmanager
def directly():
    """Within the block the environment's proxies are not used: the page and its server are on the same machine."""
    proxies = {name: os.environ.pop(name) for name in list(os.environ) if name.lower().endswith("_proxy")}
    try:
        yield
    finally:
        os.environ.update(proxies)


os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
with directly():
    gr = imported("gradio", "demo")

HOST = "127.0.0.1"
COMPARED = "Bicubic | model"
NOTICE = (
    "What a network adds is plausible, not known: an enlarged face may be another person's. Do not use it to identify people. "
    "Pictures stay on this machine; they are deleted when the page is shut down."
)
STILL = {"format": "png", "buttons": [], "interactive": False}
STYLE = """
.gradio-container > main {max-width: 1080px; width: 100%; margin: 0 auto;}
#picture img, #step img, #heat img {width: 100%; height: 100%; object-fit: contain;}
#picture img {image-rendering: pixelated;}
#gallery .grid-wrap {max-height: none; min-height: 0; overflow: hidden;}
#about p, #heat-key, #notice p {color: var(--body-text-color-subdued); font-size: var(--text-sm);}
#heat-key .bar {height: 8px; border-radius: 4px; margin: 4px 0; background: linear-gradient(to right, COLOURS);}
#heat-key .ends {display: flex; justify-content: space-between;}
""".replace("COLOURS", ", ".join(f"rgb{colour}" for colour in jobs.HEAT))


def serve(name, port, on_start):
    """Serve the page until the process is interrupted or ended; then uploaded and written files are deleted.

    Args:
        name: the preset that is chosen first.
        port: port of 127.0.0.1; None: the first free one from 7860.
        on_start: called with the page's address once the server answers.

    Raises:
        FacesrError: the server cannot listen on the port.
    """
    with tempfile.TemporaryDirectory(prefix="facesr_demo_") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        page = build(name, folder)
        theme = gr.themes.Default(primary_hue="indigo", neutral_hue="slate", font=("system-ui", "sans-serif"))
        private = {"share": False, "run_history": False, "footer_links": [], "ssr_mode": False, "enable_monitoring": False}
        look = {"theme": theme, "css": STYLE, "quiet": True, "prevent_thread_lock": True}
        try:
            with directly():
                _, url, _ = page.launch(server_name=HOST, server_port=port, **private, **look)
        except OSError as error:
            raise FacesrError(
                f"{HOST}:{port or '7860 and on'} cannot be listened on: choose another port with --port"
            ) from error
        try:
            on_start(url)
            page.block_thread()
        finally:
            page.close(verbose=False)


def build(name, folder):
    """The page as ``gr.Blocks``; its jobs write below ``folder``."""
    presets = jobs.enlargers()
    with gr.Blocks(title="facesr", analytics_enabled=False) as page:
        gr.Markdown("# facesr\nSmall faces in, large ones out.")
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
                gallery = gr.Gallery(show_label=False, format="png", columns=8, buttons=["download"], elem_id="gallery")
                with gr.Row():
                    with gr.Column(min_width=300):
                        step = gr.Image(label="Along the latent", height=380, elem_id="step", **STILL)
                        position = gr.Slider(
                            1, jobs.WALK_STEPS, value=1, step=1, label="From one sample to another", elem_id="position"
                        )
                    with gr.Column(min_width=300):
                        heat = gr.Image(label="Where the answers differ", height=380, elem_id="heat", **STILL)
                        heat_key = gr.HTML(elem_id="heat-key")
        gr.Markdown(NOTICE, elem_id="notice")
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

        one_at_a_time = {"concurrency_id": "network", "concurrency_limit": 1}
        running = [
            enlarge.click(run_enlarge, [file, model], [compare, download], **one_at_a_time),
            draw.click(
                run_draw, [file, model, n, seed], [drawn, gallery, walk, step, position, heat, heat_key], **one_at_a_time
            ),
        ]
        quick = {"show_progress": "hidden", "queue": False}
        built_in.click(lambda name: str(jobs.built_in(name, folder)), model, file, **quick)
        file.change(friendly(_read), file, picture, show_progress="hidden")
        anew = [about, compare, download, others, drawn]
        gr.on([file.change, model.change], start_anew, model, anew, cancels=running, **quick)
        position.input(lambda walk, position: walk[position - 1], [walk, position], step, **quick)
    return page


def friendly(job):
    """``job``, whose FacesrError becomes a message on the page."""

    @wraps(job)
    def run(*arguments):
        try:
            return job(*arguments)
        except FacesrError as error:
            raise gr.Error(html.escape(str(error)), print_exception=False) from error

    return run


def _read(path):
    """The picture's colours as they were read, uint8 (H, W, 3); None after the file was removed."""
    return None if path is None else jobs.look(path).rgb


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
