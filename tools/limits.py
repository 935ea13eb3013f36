"""What cards say of a preset's limits, by its task or its faces, and what was seen wrong in its answers."""

FACES = "aligned, frontal-to-moderately-turned faces"
BIASES = "The set's biases of age, gender and origin are likely the network's; no figure here is of them."
INVENTED = f"""Detail is invented: the person's identity may change, so the output is no evidence of who someone is and must \
not be used to identify people. {BIASES}"""
LIMITS = {
    "super-resolution": f"""Trained on {FACES} {{}}; expect less of other degradations and framings than \
those measured above. {INVENTED}""",
    "degradation": f"""Trained to degrade faces as those of one set are degraded, most of them small, blurred and compressed; \
another camera may degrade them in other ways. {BIASES}""",
    "face parsing": f"""Trained on {FACES} that fill the picture. Small and rare things (glasses, hats, jewellery) may be \
taken for something else: no figure is of them alone. {BIASES}""",
    "face attributes": f"""Trained on aligned faces of 64 pixels, with labels that are in part matters of opinion. It is \
there to compare pictures with each other, not to say what a person is like or who it is. {BIASES}""",
    "digit reading": "Trained on digits of one set and size alone.",
}
OF_SPOILT_FACES = f"""Trained on {FACES} that a styleVAE degraded as the small faces of one set are; expect less of faces \
with other degradations; on faces without any it may be worse than bicubic interpolation. {INVENTED}"""
OF_DIGITS = "Trained on digits of one set alone, {}. An invented digit may be another one."
OF_HEADS = """everything is soft, and what eight pixels do not tell is drawn as in most faces of the set: turned heads look \
ahead, hats become hair, men with long hair or under a cap become women."""
SEEN = {  # by preset: what is wrong in ten faces of its test part, seen beside bicubic and the truth
    "sam_small_x4": """close to the truth; lettering and watermarks stay unreadable; fine wrinkles, stubble and film grain are \
smoothed away, single hairs are lost; samples look alike.""",
    "sam_real_x4": """of spoilt faces skin is smooth as wax: wrinkles, stubble, freckles and lettering are gone, faces look \
younger; eyes that blur has taken are drawn as in most faces; teeth become one band; clean faces come out softer.""",
    "sam_small_x8": """thin frames of glasses are gone, thick ones stay; wrinkles and stubble are smoothed away, so faces look \
younger; hair has no strands; teeth become one band; lettering is lost.""",
    "sam_small_x8_celeba": """hair has no strands, wrinkles and frowns are smoothed away, so faces look younger and calmer; \
earrings and what is behind the head vanish; a gaze to the side or up is turned to the front.""",
    "sam_small_x16": """most faces are another person's, younger and smoother; glasses are gone, turned heads look ahead, open \
mouths lose their teeth; hair and background are smears; samples differ in light and outline, not in who is seen.""",
    "varsr_x8_celeba": OF_HEADS,
    "varsr_small_x8": OF_HEADS,
    "varsr_gan_small_x8": """sharp, but most faces are another person's: turned heads look ahead or come out lopsided, women \
with short hair become men; skin in bright light is blotched; one sample in some twenty has crumbled hair or speckled edges.""",
    "varsr_gan_x8_celeba": OF_HEADS + " Beside the network by pixels alone the eye sees no difference.",
    "srresnet_x8_celeba64": OF_HEADS,
    "srgan_x8_celeba64": OF_HEADS + " Features are a little sharper than by pixels alone, and mouths lopsided.",
    "ssrvae_x4_bicubic": "sharp outlines, flat skin; teeth become one band, strands of hair a few thick strokes.",
    "cagface_attentive_x4": "hair is drawn in strokes, not strands; teeth lose their gaps; skin has no pores.",
    "cagface_real_x4": """noise and blocks go, and with them pores, freckles and fine wrinkles, so skin is like wax; pale \
irises that blur has taken become dark; hair is drawn in thick strokes, teeth in one band; bright rims that sharpening has \
left stay; lettering stays unreadable. In 40 real small faces of 30 pixels and more, of WIDER FACE: blocks and noise go and \
the light stays; what is blurred beyond knowing stays so; in three a glint or a shadow became a false nose or lip.""",
    "cagface_real_gan_x4": """sharp eyes, wrinkles and strands; skin with pores where the small picture is clean, smooth \
beside sharp lines where it is spoilt, in one of the ten with a fine grid of dots; close to dark edges, as of glasses, a faint \
grid of four pixels; blocks of colour that JPEG has left stay and get edges; what the small picture leaves open is drawn as \
surely as the rest. In 40 real small faces of 36 pixels and more, of WIDER FACE: most look like photographs and the light \
stays; what is blurred beyond knowing stays so; in five a glint, a shadow or a hand became a false nose or mouth, and in four \
the grid is seen on blurred skin.""",
    "edsr_small_x4": "hair is drawn in strokes thicker than its strands; lashes and teeth run together; skin has no pores.",
}
