"""Sphinx's configuration. What can be made is made here before Sphinx reads the pages: see ``generate``."""

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from docutils.nodes import SkipNode  # noqa: E402
from generate.mathematics import mathml  # noqa: E402

import cyact  # noqa: E402

project = "cyact"
author = "the authors of cyact"
version = release = cyact.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
autosummary_generate = False
numpydoc_show_class_members = False
default_role = "autolink"
nitpicky = True
# Names of arrays in docstrings that modules of ours have too.
nitpick_ignore = [("py:obj", "gradients")]
exclude_patterns = ["_build", "data", "tables"]
python_use_unqualified_type_names = True
autodoc_typehints = "none"
add_module_names = False
html_theme = "pydata_sphinx_theme"
html_title = "cyact"
html_static_path = ["_static"]
html_css_files = ["cyact.css"]
html_sidebars = dict.fromkeys(["index", "start", "choosing", "frameworks"], [])
html_show_sourcelink = False
html_copy_source = False
html_math_renderer = "mathml"
html_theme_options = {
    "github_url": "https://github.com/cyact/cyact",
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
}
copyright = "the authors of cyact; BSD 3-clause"


# ---- mathematics: by the browser itself, without a script ----

def _inline(translator, node):
    translator.body.append(mathml(node.astext(), block=False))
    raise SkipNode


def _block(translator, node):
    translator.body.append(f'<div class="math-block">{mathml(node.astext(), block=True)}</div>')
    raise SkipNode


def _generate(app):
    from generate.pages import generate

    generate(HERE)


def _add_asv(app, error):
    """asv's pages, where ``asv publish`` has made them."""
    from generate.pages import ASV

    if ASV.exists() and not error:
        shutil.copytree(ASV, Path(app.outdir) / "asv", dirs_exist_ok=True)


def setup(app):
    app.connect("build-finished", _add_asv)
    app.connect("builder-inited", _generate)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
