"""A report of ``protocol.evaluate`` as people read it."""

import numpy as np
from rich.console import Group
from rich.table import Column, Table
from rich.text import Text

from keras_facesr.metrics.fidelity import LIGHT_KEPT
from keras_facesr.metrics.protocol import REFERENCE

OF_ONE = {  # figure: heading, format
    "psnr": ("PSNR\ndB", ".2f"),
    "gain": ("gain\ndB", "+.2f"),
    "ssim": ("SSIM", ".4f"),
    "ms_ssim": ("MS-\nSSIM", ".4f"),
    "sharpness": ("sharp-\nness", ".3f"),
    "detail": ("detail, coarse\nto fine", ".2f"),
}
OF_LIGHT = {
    "brightness": ("bright-\nness", ".2f"),
    "cast": ("cast", ".2f"),
    "light_kept": ("light\nkept", ".1%"),
}
OF_SAMPLES = {
    "psnr_best": ("best\nPSNR", ".2f"),
    "ssim_of_best_psnr": ("its\nSSIM", ".4f"),
    "ssim_best": ("best\nSSIM", ".4f"),
    "diversity": ("diver-\nsity", ".2f"),
    "diversity_face": ("face\ndiv.", ".2f"),
    "consistency": ("con-\nsis-\ntency", ".2f"),
}
OF_FIRST_SAMPLES = {
    "sharpness_sample": ("sharp,\nsample", ".3f"),
    "detail_sample": ("its detail,\ncoarse to fine", ".2f"),
    "textures_sample": ("tex.,\nsample", ".3f"),
    "frechet_sample": ("Fré.,\nsample", ".3f"),
    "fid_sample": ("FID,\nsample", ".1f"),
}
JUDGED = {
    "features": ("fea-\ntures", ".3f"),
    "features_best": ("best\nfeat.", ".3f"),
    "features_diversity": ("div.\nfeat.", ".3f"),
    "identity": ("iden-\ntity", ".3f"),
    "identity_best": ("best\nid.", ".3f"),
    "textures": ("tex-\ntures", ".3f"),
    "frechet": ("Fré-\nchet", ".3f"),
}
BY_OTHERS = {
    "lpips": ("LPIPS", ".3f"),
    "lpips_best": ("best\nLPIPS", ".3f"),
    "lpips_diversity": ("div.\nLPIPS", ".3f"),
    "fid": ("FID", ".1f"),
    "identity_distance": ("id.\ndist.", ".3f"),
    "identity_rank1": ("id.\nfirst", ".1%"),
    "identity_auc": ("id.\nAUC", ".3f"),
    "digits_best": ("digits\nbest", ".1%"),
    "digits_mean": ("digits\nmean", ".1%"),
}
GROUPS = OF_ONE, OF_LIGHT, OF_SAMPLES, OF_FIRST_SAMPLES, JUDGED, BY_OTHERS  # a printed table each, of 80 columns or less
COLUMNS = OF_ONE | OF_LIGHT | OF_SAMPLES | OF_FIRST_SAMPLES | JUDGED | BY_OTHERS


def format_table(report):
    """A report of ``evaluate`` or ``evaluate_unpaired`` for a rich console: tables, a row a method, then the protocol."""
    tables = []
    for columns in GROUPS:
        headings, rows = tabulated(report, columns)
        if headings:
            method = Column("method", overflow="fold")  # names of runs may differ in their ends alone
            table = Table(method, box=None, pad_edge=False, collapse_padding=True)
            for heading in headings:
                table.add_column(heading, justify="right")
            for name, cells in rows.items():
                if any(cells):
                    table.add_row(Text(name), *cells)  # as it is: a folder's name may have what is markup to rich
            tables += [table, ""]
    return Group(*tables[:-1], Text(in_one_line(report), "dim"))


def tabulated(report, columns=COLUMNS):
    """The figures of ``evaluate`` as text: the headings of the figures that occur, and name -> cells, "" for a missing one."""
    reference = report["models"][REFERENCE].get("psnr")
    rows = report["models"]
    if reference is not None:
        rows = {name: {**row, "gain": row["psnr"] - reference} for name, row in rows.items()}
    columns = {key: column for key, column in columns.items() if any(key in row for row in rows.values())}
    cells = {
        name: [_cell(row[key], spec) if key in row else "" for key, (_, spec) in columns.items()] for name, row in rows.items()
    }
    return [heading for heading, _ in columns.values()], cells


def _cell(figure, spec):
    """A figure, or several in one cell."""
    return " ".join(format(each, spec) for each in figure) if isinstance(figure, list) else format(figure, spec)


def in_one_line(report):
    """The protocol of a report of ``evaluate`` or ``evaluate_unpaired`` in one line, and all else that explains its figures."""
    about = report["protocol"]
    answers = [f"answers: {about['ensemble']}"] if "ensemble" in about else []
    if "clean" in about:
        sets = (
            "x{scale}; {images} real small face{s} of {lr_size[0]}x{lr_size[1]} pixels; {crop}, {rounding}; Fréchet distances "
            "of the textures and of the faces that {judge} sees in the enlarged ones and in {clean} clean ones, not FID"
        ).format(images=report["images"], s="s" * (report["images"] != 1), **about)
        return "; ".join([sets, *answers])
    enlarged = f" ({report['enlarged']} enlarged to that size)" if report["enlarged"] else ""
    parts = [
        f"x{about['scale']}",
        "native size" if about["hr_size"] == "native" else "HR {}x{} pixels".format(*np.broadcast_to(about["hr_size"], 2)),
        f"{report['images']} image{'s' * (report['images'] != 1)}{enlarged}",
        *(about[key] for key in ("colour", "crop", "degradation", "rounding")),
        f"PSNR in {about['psnr']}",
        f"SSIM: {about['ssim']}",
        f"MS-SSIM: {about['ms_ssim']}",
        about["average"],
    ]
    figures = {figure for row in report["models"].values() for figure in row}
    if "sharpness" in figures:
        parts.append(f"sharpness: {about['sharpness']}")
    if "light_kept" in figures:
        parts.append("brightness and cast: by how many levels the means of gray, and of one colour, differ from the input's")
        parts.append(f"light kept: in how many images both are at most {LIGHT_KEPT:g}")
    parts += answers
    if "samples" in about:
        parts.append(f"best of {about['samples']} samples, drawn together, seed {about['seed']}")
        if "ssim_of_best_psnr" in figures:
            parts.append("its SSIM: of the sample with the best PSNR; best SSIM: the highest of all")
        parts.append("diversity and consistency: mean absolute RGB difference in 8-bit levels")
        if "sharpness_sample" in figures:
            parts.append("sample: of the first one of each face, in the answer's place")
    if "face" in about:
        parts.append(f"face div.: standard deviation over samples, in levels, within {about['face']}")
    if "judge" in about:
        parts.append(f"features, identity and Fréchet: distances of what {about['judge']} sees; not LPIPS, FaceNet or FID")
        if "textures" in figures:
            parts.append("textures: as Fréchet, of the means of its second feature map")
    if "lpips" in about:
        parts.append(f"LPIPS: {about['lpips']}")
    if "identity" in about:
        parts.append(f"id.: median distance from the own truth, how often it comes first, AUC; {about['identity']}")
    if "reader" in about:
        parts.append(f"digits as {about['reader']} reads them, who reads {about['truth_read']:.1%} of the true ones")
        parts += [
            f"{name} shows " + ", ".join(f"{n} in {row['share']:.1%} ({row['best']:.1%} right)" for n, row in distinct.items())
            for name, distinct in ((name, row["digits_distinct"]) for name, row in report["models"].items())
            if len(distinct) > 1
        ]
    return "; ".join(parts)
