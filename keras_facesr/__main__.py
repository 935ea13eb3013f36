"""``python -m keras_facesr`` is the ``facesr`` command."""

import sys

from keras_facesr.cli import main

sys.exit(main())
