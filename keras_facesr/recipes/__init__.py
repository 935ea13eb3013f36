"""How each preset was trained; ``facesr train NAME DATA_DIR --out RUN_DIR`` does it again."""

from keras_facesr.errors import TrainingError
from keras_facesr.recipes import baselines, cagface, sam, ssrvae, varsr
from keras_facesr.recipes.recipe import Recipe, Source, Stage

RECIPES = {recipe.name: recipe for part in (sam, baselines, cagface, varsr, ssrvae) for recipe in part.RECIPES}


def find(name):
    """The recipe of that name; ``TrainingError`` names the known ones."""
    if name not in RECIPES:
        raise TrainingError(f"no recipe is called {name!r}; there are {', '.join(sorted(RECIPES))}")
    return RECIPES[name]


__all__ = ["RECIPES", "Recipe", "Source", "Stage", "find"]
