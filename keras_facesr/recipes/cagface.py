"""The component network of CAGFace."""

from keras_facesr.recipes.recipe import Recipe, Source, Stage

RECIPES = [
    Recipe(
        name="components_celebamask",
        model_class="ComponentNetwork",
        config={},
        task="face parsing",
        sources=(Source("celebamask", 256),),
        stages=(Stage(2000, batch_size=8, learning_rate=2e-3, check_every=250, jit_compile=False),),
        validation_images=60,
    ),
]
