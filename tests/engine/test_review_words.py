"""A review in words: what an approver reads must not sound better than it is."""

from headgate.engine.review_words import exposure


def test_what_nothing_measures_is_not_told_as_harmless() -> None:
    courses = [
        {"what": "errors +1 pp", "caught": 1.0, "bad": 312.4, "weight": 0.05},
        {"what": "errors 100 %", "caught": 0.0, "bad": None, "weight": None},
    ]
    shown = {"steps": ["start", "weight 100"], "requests_per_second": 100.0, "known": True, "regressions": courses}
    assert exposure(shown) == [
        "start, weight 100; 100 requests/s",
        "errors +1 pp: caught in 100% of such releases, some 312 bad answers until then",
        "errors 100 %: caught in 0% of such releases; the others reach all users",
    ]
