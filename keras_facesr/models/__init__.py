"""One file for each system, to be read beside its paper; see ``keras_facesr.presets`` for the ready-made ones."""
