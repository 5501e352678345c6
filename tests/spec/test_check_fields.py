"""Checks that are written wrongly: where, what was found, what is allowed, what to do."""

import pytest
from tests.spec.files import production
from tests.spec.test_read import bad, problems

WRONG = {
    "{name: a, http: [{path: /, expect: {status: [200, ¦20]}}]}": (
        "http[0].expect.status[1]: found 20; allowed: a whole number from 100 to 599. Write a number from 100 to 599."
    ),
    "{name: a, http: [{path: /, expect: {status: ¦[]}}]}": (
        "http[0].expect.status: found an empty list; allowed: at least one. Write at least one, or remove the field."
    ),
    "{name: a, http: ¦[]}": (
        "http: found an empty list; allowed: at least one. Write at least one, or remove the field."
    ),
    "{name: a, http: [{path: ¦quotes}]}": (
        "http[0].path: found quotes; allowed: a path that begins with /. Write a path such as /healthz."
    ),
    "{name: a, http: [{path: /, service: ¦wbe}]}": (
        "http[0].service: found wbe; allowed: a service: web. Write one of these."
    ),
    "{name: a, http: [{path: /, expect: {json: {$.a: ¦0x1}}}]}": (
        'http[0].expect.json."$.a": found 0x1; allowed: a number, true, false or text. Write a number such as 3 or 0.5.'
    ),
    "{name: a, load: {rate: ¦5000/s, for: 1s}}": (
        "load.rate: found 5000/s; allowed: at most 2000/s. Offer more with a tool of your own, as `run`."
    ),
    "{name: a, load: {rate: 5/s, for: 1s, paths: ¦{/: 70%, /b: 20%}}}": (
        "load.paths: found a mapping; allowed: shares that sum to 100%. Write such as {/: 70%, /quotes: 30%}."
    ),
    "{name: a, load: ¦{rate: 5/s, for: 1s, path: /, paths: {/b: 100%}}}": (
        "load: found a mapping; allowed: path or paths. Remove one of them."
    ),
    "{name: a, timeout: 1m, load: {rate: 5/s, for: ¦50s}}": (
        "load.for: found 50s; allowed: at most 45s with its warm_up, within its timeout. "
        "Add `timeout: 1m5s` to this check, or offer it for less."
    ),
    "{name: a, browser: {script: ¦../shop.py}}": (
        "browser.script: found ../shop.py; allowed: a Python file of the repository, and none beside it. "
        "Write a path such as tests/e2e/shop.py."
    ),
    "{smoke: true, image: ¦python}": (
        "image: found python; allowed: image together with run. Remove image, or write `run`."
    ),
    "{smoke: true, when: ¦later}": "when: found later; allowed: before, after, both. Did you mean after?",
    "{smoke: true, retries: ¦11}": (
        "retries: found 11; allowed: a whole number from 0 to 10. Write a number from 0 to 10."
    ),
}


@pytest.mark.parametrize(("written", "message"), WRONG.items(), ids=WRONG)
def test_what_is_wrong_is_told(written: str, message: str) -> None:
    content, expected = bad(production(f"checks: [{written}]"), f"environments.production.checks[0].{message}")
    assert problems(content) == [expected]


def test_a_key_that_is_no_json_path_is_told() -> None:
    (problem,) = problems(production("checks: [{name: a, http: [{path: /, expect: {json: {a: 1}}}]}]"))
    assert "found a; allowed: a JSON path that begins with $ (RFC 9535)" in problem
