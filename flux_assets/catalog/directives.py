"""What page builders and templates leave in a text for their own software: none of it is text."""

import re
from functools import cache

_NAME = r"[A-Za-z][\w-]*+"
_QUOTED = (
    r"\"[^\"]*+\"|'[^']*+'|\u201c[^\u201d]*+\u201d|\u201d[^\u201d]*+\u201d|\u2033[^\u2033]*+\u2033"
)
# A shortcode has an attribute, closes another, or has a name that only page builders use.
_WITH_ATTRIBUTES = rf"\[{_NAME}(?:\s++[\w-]++\s*+=\s*+(?:{_QUOTED}|[^\s\[\]\"']++))++\s*+/?+\]"
_BUILDERS = (
    "vc_|et_pb_|fusion_|av_|cs_|ux_|mk_|su_|nectar_|tatsu_|themify_|woodmart_|porto_|oxy_|kc_|tm_"
    "|fl_|wpb_|dt_|mpc_|ult_|ultimate_|rev_slider|sc_|trx_|qode_|eltd_|mkdf_|edgtf_|stm_|gem_"
    "|thb_|bt_bb_|cmsmasters_|cz_|woocommerce_|elementor-|wpcf7|contact-form|layerslider|tdc_|td_"
)
_STANDING_ALONE = (
    "gallery|caption|embed|audio|video|playlist|products|product_page|add_to_cart|row|column"
    "|one_half|one_third|toc|button|tabs?|accordion|spacer|divider|separator|slider|block"
    "|gap|hr|br|nextpage|clearfix|section|col|container"
)
_BY_NAME = rf"\[/?(?:(?:{_BUILDERS})[^\[\]]*+|(?:{_STANDING_ALONE})\s*+/?)\]"
# `[size_chart]`, and `[youtube https://...]`.
_CODE_NAME = r"\[/?[a-z][a-z0-9]*+(?:_[a-z0-9]+)++\s*+/?\]"
_WITH_ADDRESS = rf"\[{_NAME}\s++https?://[^\[\]]*+\]"
_CLOSING = re.compile(rf"\[/({_NAME})\s*+\]")
_RAW = re.compile(
    r"\[(vc_raw_html|vc_raw_js|et_pb_code|fusion_code|(?:su_|fusion_|et_pb_)?button)\b[^\]]*+\]"
    r"[^\[]*+\[/\1\]"
)
_SHORTCODE = f"{_WITH_ATTRIBUTES}|{_BY_NAME}|{_CODE_NAME}|{_WITH_ADDRESS}"

_DIRECTIVE = re.compile(
    r"\$?\{{2,3}[^{}]*+\}{2,3}|\{%[^%{}]*+%\}|\{#[^#{}]*+#\}|\{/?\$[^{}]*+\}|%%[A-Za-z_]\w*+%%"
    r"|\{(?:load\w++|hook|include|widget)\s[^{}]*+\}|\{(\w++)\}[^{}]*+\{/\1\}"
    r"|<%[^%]*+%>|\[\[[\w-]++(?:\s[^\[\]]*+)?\]\]"
)
_CSS_TAGS = ":root|body|html|p|h[1-6]|div|span|ul|ol|li|a|table|t[dhr]|img|section"
_CSS_RULE = re.compile(
    rf"(?:[.#@][\w-][^{{}}<>]{{0,300}}|(?<!\w)(?:{_CSS_TAGS})\s*+)\{{[^{{}}:]*+:[^{{}}]*+\}}"
)
# `@media (...) { }`, once the rules inside are gone.
_CSS_COMMENT = re.compile(r"/\*.{0,500}?\*/", re.DOTALL)
_CSS_BLOCK = re.compile(r"@(?:media|supports|keyframes|font-face|layer)\b[^{}]{0,300}\{\s*+\}")


def without_directives(text: str) -> str:
    """The text without shortcodes, template directives and style rules.

    `Ruled pages [A5 size]` keeps its brackets.
    """
    if "%%" in text or "{" in text or "[" in text or "<%" in text:
        text = _DIRECTIVE.sub(" ", text)
    if "/*" in text:
        text = _CSS_COMMENT.sub(" ", text)
    if "{" in text and _CSS_RULE.search(text):
        text = _CSS_BLOCK.sub(" ", _CSS_RULE.sub(" ", text))
    if "[" in text:
        text = _without_shortcodes(text)
    return text


@cache
def _compile_shortcode() -> re.Pattern[str]:
    """Once a text has a `[`: it takes a twentieth of each start of Dagster."""
    return re.compile(_SHORTCODE)


def _without_shortcodes(text: str) -> str:
    text = _compile_shortcode().sub(" ", _RAW.sub(" ", text))
    closed = {re.escape(name) for name in _CLOSING.findall(text)}
    if closed:
        text = re.sub(rf"\[/?(?:{'|'.join(sorted(closed))})(?:\s[^\[\]]*+)?\]", " ", text)
    return text
