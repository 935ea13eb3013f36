"""The page's layout and its server, which is reached from this machine alone and contacts no other."""

import os
import socket
import tempfile

from keras_facesr.demo import face_tab, jobs, photo_tab
from keras_facesr.demo.kit import directly, gr
from keras_facesr.errors import FacesrError

HOST = "127.0.0.1"
NOTICE = (
    "What a network adds is plausible, not known: an enlarged face may be another person's. Do not use it to identify people. "
    "Pictures stay on this machine; they are deleted when the page is shut down."
)
STYLE = """
.gradio-container > main {max-width: 1080px; width: 100%; margin: 0 auto;}
#picture img, #photo-picture img, #step img, #heat img {width: 100%; height: 100%; object-fit: contain;}
#picture img {image-rendering: pixelated;}
#gallery .grid-wrap, #photo-faces .grid-wrap, #photo-answers .grid-wrap {max-height: none; min-height: 0; overflow: hidden;}
#photo-faces .thumbnail-item {aspect-ratio: 2;}
#photo-faces .caption-label {max-width: 100%; white-space: normal;}
#about p, #photo-about p, #heat-key, #notice p {color: var(--body-text-color-subdued); font-size: var(--text-sm);}
#compare, #photo-compare {height: min(560px, 100vw) !important;}
#gallery, #photo-answers {--least: min(130px, 30%);}
#photo-faces {--least: min(320px, 100%);}
#gallery .grid-container, #photo-answers .grid-container, #photo-faces .grid-container {
    grid-template-columns: repeat(auto-fill, minmax(var(--least), 1fr));
}
#heat-key .bar {height: 8px; border-radius: 4px; margin: 4px 0; background: linear-gradient(to right, COLOURS);}
#heat-key .ends {display: flex; justify-content: space-between;}
""".replace("COLOURS", ", ".join(f"rgb{colour}" for colour in jobs.HEAT))


def check_port(port):
    """Raise FacesrError, before Keras starts, if the server cannot listen on this port; None: the first free one is taken."""
    if port is not None:
        try:
            socket.create_server((HOST, port)).close()
        except OSError as error:
            raise _cannot_listen(port) from error


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
            raise _cannot_listen(port or "7860 and on") from error
        try:
            on_start(url)
            page.block_thread()
        except KeyboardInterrupt:  # in ``on_start``; ``block_thread`` returns on one
            pass
        finally:
            page.close(verbose=False)


def _cannot_listen(port):
    return FacesrError(f"{HOST}:{port} cannot be listened on: choose another port with --port")


def build(name, folder):
    """The page as ``gr.Blocks``; its jobs write below ``folder``."""
    with gr.Blocks(title="facesr", analytics_enabled=False) as page:
        gr.Markdown("# facesr\nSmall faces in, large ones out.")
        with gr.Tab("Face"):
            face_tab.build(name, folder)
        with gr.Tab("Photographs"):
            photo_tab.build(folder)
        gr.Markdown(NOTICE, elem_id="notice")
    return page
