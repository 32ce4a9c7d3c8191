"""The report in a real headless browser: filters, keyboard, phone width, dark colours, paper, no script, no network.

What is expected is counted from the results, never from the page.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from harness.run.results import Results, Verdict
from tests.report.browser import Browser, browser, executable

Part = tuple[Results, Path]
PHONE, DESK = 375, 1200
AA_TEXT, AA_LARGE = 4.5, 3.0
"""Least contrast of text: WCAG 2.2, success criterion 1.4.3."""
SHOWN = "[...document.querySelectorAll('tbody.claim')].filter(c => !c.hidden).map(c => c.id)"
COMPLAINTS = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}

pytestmark = pytest.mark.needs("browser")


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    program = executable()
    assert program
    with browser(program) as found:
        yield found


@pytest.fixture
def page(part: Part) -> Path:
    return part[1] / "index.html"


@pytest.fixture
def opened(chrome: Browser, page: Path) -> Browser:
    """The page at desk width, in light colours, with scripts."""
    chrome.scripts(True)
    chrome.media()
    chrome.size(DESK)
    chrome.open(page)
    return chrome


def _ids(results: Results, **wanted: str) -> list[str]:
    """Ids of the rows of claims with these facts, in the order of the results."""
    return [
        f"claim-{c.paper}-{c.claim}"
        for c in results.claims
        if all(getattr(c, name) == value for name, value in wanted.items())
    ]


def test_nothing_is_asked_from_the_network_and_nothing_complains(opened: Browser, page: Path) -> None:
    opened.events.clear()
    opened.open(page, "#claims?verdict=contradicted")
    opened.evaluate("[...document.images].map(i => i.naturalWidth)")
    asked = [p["request"]["url"] for m, p in opened.events if m == "Network.requestWillBeSent"]
    assert asked and all(url.startswith(("file:", "data:", "about:")) for url in asked)
    assert sum(url.startswith("file:") for url in asked) == 1
    assert not [event for event in opened.events if event[0] in COMPLAINTS]


def test_a_page_that_loads_something_would_be_noticed(opened: Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<img src='https://example.org/x.png'><script>console.log(1); throw Error('x')</script>")
    opened.events.clear()
    opened.open(bad)
    assert any(p["request"]["url"].startswith("https:") for m, p in opened.events if m == "Network.requestWillBeSent")
    assert {m for m, _ in opened.events} >= {"Runtime.exceptionThrown", "Runtime.consoleAPICalled"}


@pytest.mark.parametrize(
    "wanted",
    [
        {"paper": "ukb_thigh"},
        {"verdict": "contradicted"},
        {"route": "recompute", "verdict": "consistent", "paper": "ukb_thigh"},
        {"route": "licensed", "verdict": "reproduced"},
    ],
)
def test_filters_in_the_address_show_what_they_say(
    opened: Browser, page: Path, part: Part, wanted: dict[str, str]
) -> None:
    opened.open(page, "#claims?" + "&".join(f"{name}={quote(value)}" for name, value in wanted.items()))
    expected = _ids(part[0], **wanted)
    assert opened.evaluate(SHOWN) == expected
    status = opened.evaluate("document.getElementById('shown').textContent")
    assert status == f"{len(expected)} of {len(part[0].claims)} claims shown"
    for name, value in wanted.items():
        chosen = opened.evaluate(f"document.forms.filters.elements['{name}'].selectedOptions[0].textContent")
        assert chosen.endswith(f"({len(expected)})"), (name, value)


def test_place_finding_and_text_filter_too(opened: Browser, page: Path, part: Part) -> None:
    results = part[0]
    opened.open(page, "#claims?place=Table%201")
    expected = [f"claim-{c.paper}-{c.claim}" for c in results.claims if c.place.split(",")[0] == "Table 1"]
    assert opened.evaluate(SHOWN) == expected and expected
    finding = max(results.findings, key=lambda f: f.rows)
    opened.open(page, f"#claims?finding={quote(finding.id, safe='')}")
    assert opened.evaluate(SHOWN) == _ids(results, finding=finding.id)
    opened.open(page, "#claims?text=37%2C004")
    shown = set(opened.evaluate(SHOWN))
    printed = {f"claim-{c.paper}-{c.claim}" for c in results.claims if "37,004" in c.printed}
    assert printed and printed <= shown < {f"claim-{c.paper}-{c.claim}" for c in results.claims}


def test_choosing_writes_the_address_and_reset_clears_it(opened: Browser, part: Part) -> None:
    opened.evaluate(
        "(() => { const s = document.forms.filters.elements.verdict; s.value = 'contradicted';"
        "s.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    assert opened.evaluate("location.hash") == "#claims?verdict=contradicted"
    assert opened.evaluate(SHOWN) == _ids(part[0], verdict=Verdict.CONTRADICTED)
    opened.evaluate("document.querySelector('button[type=reset]').click()")
    opened.settle()
    assert opened.evaluate("location.hash") == ""
    assert len(opened.evaluate(SHOWN)) == len(part[0].claims)


def test_a_link_of_the_summary_shows_the_rows_it_counts(opened: Browser, part: Part) -> None:
    links = opened.evaluate("[...document.querySelectorAll('.found a.where')].map(a => a.hash)")
    assert len(links) == len(part[0].findings)
    opened.evaluate("document.querySelector('.found a.where').click()")
    opened.settle()
    assert opened.evaluate(SHOWN) == _ids(part[0], finding=part[0].findings[0].id)


def test_a_check_and_the_claims_that_rest_on_it_lead_to_each_other(opened: Browser, part: Part) -> None:
    resting = [c for c in part[0].claims if c.evidence_from]
    assert resting
    name = resting[0].evidence_from.split(", ")[0]
    expected = [f"claim-{c.paper}-{c.claim}" for c in resting if name in c.evidence_from.split(", ")]
    opened.evaluate(f"document.querySelector('#checks a[data-filter=\"text={name}\"]').click()")
    opened.settle()
    assert opened.evaluate(SHOWN) == expected
    row = f"document.getElementById('{expected[0]}')"
    anchor = opened.evaluate(f"{row}.querySelector('a[href^=\"#check-\"]').hash")
    assert opened.evaluate(f"document.getElementById('{anchor[1:]}').textContent.includes('resting on it')")


def test_the_address_of_a_row_opens_it_even_where_it_was_filtered_away(opened: Browser, page: Path, part: Part) -> None:
    opened.open(page, "#claims?verdict=contradicted")
    hidden = _ids(part[0], verdict=Verdict.REPRODUCED)[-1]
    opened.evaluate(f"location.hash = '#{hidden}'")
    opened.settle()
    found = opened.evaluate(
        f"(() => {{ const c = document.getElementById('{hidden}');"
        "return [c.hidden, c.querySelector('details').open, Math.round(c.getBoundingClientRect().top)]; })()"
    )
    assert found[:2] == [False, True]
    assert 0 <= found[2] < 900


def test_the_order_is_stable(opened: Browser, page: Path, part: Part) -> None:
    opened.open(page, "#claims?order=verdict")
    order = list(Verdict)
    by_verdict = sorted(part[0].claims, key=lambda c: order.index(c.verdict))
    assert opened.evaluate(SHOWN) == [f"claim-{c.paper}-{c.claim}" for c in by_verdict]
    opened.open(page, "#claims?order=distance&verdict=contradicted")
    bad = [c for c in part[0].claims if c.verdict == Verdict.CONTRADICTED]
    farthest = sorted(bad, key=lambda c: -(c.half_widths or 0))
    assert opened.evaluate(SHOWN) == [f"claim-{c.paper}-{c.claim}" for c in farthest]


def test_every_row_opens_by_keyboard(opened: Browser, part: Part) -> None:
    rows = "[...document.querySelectorAll('tbody.claim > tr.why > td > details > summary')]"
    tabs = opened.evaluate(f"{rows}.filter(s => s.tabIndex === 0).length")
    assert tabs == len(part[0].claims)
    claims = part[0].claims
    for index in (0, len(claims) // 2, len(claims) - 1):
        details = f"document.querySelectorAll('tbody.claim')[{index}].querySelector('details')"
        opened.evaluate(f"({details}).querySelector('summary').focus()")
        before = opened.evaluate(f"({details}).open")
        opened.press("Enter" if index else " ")
        assert opened.evaluate(f"({details}).open") is not before


def test_the_first_stop_of_the_keyboard_skips_to_the_results(opened: Browser) -> None:
    opened.press("Tab")
    assert opened.evaluate("document.activeElement.className") == "skip"
    outline = opened.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    opened.press("Enter")
    assert opened.evaluate("location.hash") == "#main"


def test_no_width_makes_the_page_scroll_sideways(opened: Browser) -> None:
    for everything in ("false", "true"):
        opened.evaluate(f"document.querySelectorAll('details').forEach(d => d.open = {everything})")
        for width in (PHONE, 768, DESK):
            opened.size(width)
            opened.settle()
            wide = opened.evaluate(
                "[...document.querySelectorAll('main *')]"
                f".filter(e => e.getBoundingClientRect().right > {width + 1} && "
                "getComputedStyle(e).position !== 'absolute').slice(0, 5).map(e => e.tagName + '.' + e.className)"
            )
            assert opened.evaluate("document.documentElement.scrollWidth") <= width, (width, everything, wide)


CONTRAST = """
(() => {
  const known = new Map();
  const rgba = (text) => {
    if (!known.has(text)) {
      const v = text.match(/^rgba?\\(([^)]+)\\)$/)[1].split(/[ ,/]+/).map(Number);
      known.set(text, v.length < 4 ? [...v, 1] : v);
    }
    return known.get(text);
  };
  const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = (c) => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const behind = (e) => {
    for (let p = e; p; p = p.parentElement) {
      const c = rgba(getComputedStyle(p).backgroundColor);
      if (c[3] > 0) return c;
    }
    return [255, 255, 255, 1];
  };
  const seen = new Map();
  for (const e of document.querySelectorAll('body *')) {
    if (e.matches('.hide, script, style, option')) continue;
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.getClientRects().length) continue;
    const style = getComputedStyle(e), name = e.tagName + '.' + e.className;
    if (Number(style.opacity) < 1) seen.set('opacity ' + name, [0, name, 'opacity']);
    const [front, back] = [light(rgba(style.color)), light(behind(e))];
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    const least = size >= 24 || (size >= 18.66 && bold) ? LARGE : TEXT;
    if (ratio < least) seen.set(style.color + behind(e), [ratio, name, e.textContent.slice(0, 40)]);
  }
  return [...seen.values()];
})()
""".replace("LARGE", str(AA_LARGE)).replace("TEXT", str(AA_TEXT))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_colour_schemes(opened: Browser, scheme: str) -> None:
    opened.media("screen", scheme)
    opened.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    background = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(background.split("(")[1].split(",")[0]) < 60) is (scheme == "dark")
    assert opened.evaluate(CONTRAST) == []


def test_contrast_is_really_measured(opened: Browser) -> None:
    opened.evaluate("document.querySelector('h2').style.color = '#c9c9c9'")
    assert [row[1] for row in opened.evaluate(CONTRAST)] == ["H2."]


def test_a_verdict_is_never_told_by_colour_alone(opened: Browser) -> None:
    signs = opened.evaluate(
        "[...document.querySelectorAll('.verdict')].map(v => getComputedStyle(v, '::before').content + v.textContent)"
    )
    assert len(set(signs)) >= 4 and all(len(sign) > len('"x"') + 3 for sign in signs)
    patterns = opened.evaluate(
        "[...document.querySelectorAll('.swatch')].map(s => [s.className, getComputedStyle(s).backgroundImage])"
    )
    by_class: dict[str, Any] = dict(patterns)
    assert len(set(by_class.values())) == len(by_class) >= 4


def test_on_paper_what_is_contradicted_stands_open(opened: Browser, part: Part, tmp_path: Path) -> None:
    opened.evaluate("document.querySelectorAll('tbody.claim details').forEach(d => d.open = false)")
    opened.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    open_now = (
        "[...document.querySelectorAll('tbody.claim')].filter(c => c.querySelector('details').open).map(c => c.id)"
    )
    assert opened.evaluate(open_now) == _ids(part[0], verdict=Verdict.CONTRADICTED)
    opened.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert opened.evaluate(open_now) == []
    opened.media("print")
    assert opened.evaluate("getComputedStyle(document.forms.filters).display") == "none"
    opened.pdf(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF-")


def test_without_scripts_every_row_is_there_and_opens(chrome: Browser, page: Path, part: Part) -> None:
    chrome.media()
    chrome.size(DESK)
    chrome.scripts(False)
    chrome.events.clear()

    def count(selector: str) -> int:
        return len(chrome.call("DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"])

    try:
        # Questions in JavaScript would need scripts: the document itself is asked.
        chrome.call("Page.navigate", url=page.resolve().as_uri())
        for _ in range(6000):
            if any(method == "Page.loadEventFired" for method, _ in chrome.events):
                break
            chrome.call("Page.getLayoutMetrics")
        root = chrome.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        rows, summaries = count("tbody.claim:not([hidden])"), count("tbody.claim details > summary")
        wide_open, form = count("tbody.claim details[open]"), count("#filters[hidden]")
    finally:
        chrome.scripts(True)
    assert rows == summaries == len(part[0].claims)
    assert wide_open == len(_ids(part[0], verdict=Verdict.CONTRADICTED))
    assert form == 1, "filters that cannot work are not shown"
