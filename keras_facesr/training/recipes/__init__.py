"""How each preset was trained; ``facesr train NAME DATA_DIR --out RUN_DIR`` trains it again."""

import dataclasses
import difflib

from keras_facesr import presets
from keras_facesr.errors import TrainingError
from keras_facesr.training.recipes import baselines, cagface, full_size, sam, ssrvae, varsr
from keras_facesr.training.recipes.recipe import Recipe, Source, Stage

RECIPES = {recipe.name: recipe for part in (sam, baselines, full_size, cagface, varsr, ssrvae) for recipe in part.RECIPES}


def find(name):
    """The recipe of that name; ``TrainingError`` lists similar names."""
    if not isinstance(name, str):
        raise TrainingError(f"{name!r} is neither a recipe nor the name of one")
    if name not in RECIPES:
        close = [presets.ALIASES[name]] if name in presets.ALIASES else difflib.get_close_matches(name.lower(), RECIPES)
        hint = f"did you mean {' or '.join(close)}?" if close else "most have the names of presets: facesr models"
        raise TrainingError(f"no recipe is called {name!r}; {hint}")
    return RECIPES[name]


def from_scratch(recipe):
    """The recipe with all stages from random weights: if it starts from presets for the same task, their stages come first.

    They train the recipe's own class of network, so by its loss.
    """
    before = [recipe.start] if recipe.start else []
    before += [name for name in recipe.parts.values() if find(name).task == recipe.task]
    stages = [stage for name in before for stage in from_scratch(find(name)).stages]
    stages = [dataclasses.replace(stage, loss=recipe.stages[0].loss) for stage in stages]
    parts = {part: name for part, name in recipe.parts.items() if name not in before}
    return dataclasses.replace(recipe, stages=(*stages, *recipe.stages), start=None, parts=parts)


__all__ = ["RECIPES", "Recipe", "Source", "Stage", "find", "from_scratch"]
