"""TensorBoard's event files, written without TensorFlow, so that logs are the same on every backend."""

import io
import time

from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter


class EventLog:
    """Scalars and pictures by step, in a folder for ``tensorboard --logdir``."""

    def __init__(self, folder):
        self.writer = EventFileWriter(str(folder))

    def scalars(self, values, step):
        """Log numbers, ``values``: name -> number."""
        self._write([Summary.Value(tag=name, simple_value=value) for name, value in values.items()], step)

    def images(self, name, pixels, step):
        """Log a picture, ``pixels``: uint8 (H, W, 3)."""
        png = io.BytesIO()
        Image.fromarray(pixels).save(png, format="PNG")
        height, width, _ = pixels.shape
        image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png.getvalue())
        self._write([Summary.Value(tag=name, image=image)], step)

    def close(self):
        """Close the file, which nothing can be added to then."""
        self.writer.close()

    def _write(self, values, step):
        self.writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))
        self.writer.flush()
