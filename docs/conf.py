"""Sphinx: the documentation's site, built by `make docs` into build/docs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
sys.path.insert(0, str(Path(__file__).parents[1]))

project = "noise-study"
author = "the authors of noise-study"
project_copyright = "the authors of noise-study, Apache-2.0"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "entries", "mathml"]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["ideas", "_ext"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_class_signature = "separated"
copybutton_prompt_text = "$ "  # of console blocks only the commands are copied
copybutton_line_continuation_character = "\\"
html_theme = "furo"
html_title = "noise-study"
html_static_path = ["_static"]
html_css_files = ["site.css"]
highlight_language = "none"  # blocks that do not say theirs are commands
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
