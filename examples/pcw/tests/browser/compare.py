"""A customer's way through the pages in Chromium, for checks of kind `browser`: each test has a page of its own."""

import re

CAR = {
    "Postcode": "M1 4BT",
    "Your age": "34",
    "Years you have held a full licence": "12",
    "Years without a claim": "4",
    "Insurance group of the car": "14",
    "What the car is worth, in pounds": "8500",
    "Miles you drive in a year": "9000",
}


def test_a_customer_compares_car_insurance(page):
    page.goto("/")
    page.get_by_role("link", name="Car insurance").click()
    for label, answer in CAR.items():
        page.get_by_label(label, exact=True).fill(answer)
    page.get_by_role("button", name="Compare prices").click()
    page.wait_for_selector("ol.quotes")
    prices = [pounds(price) for price in page.locator(".yearly strong").all_inner_texts()]
    assert len(prices) >= 3, f"only {len(prices)} quotes"
    assert prices == sorted(prices), f"not the cheapest first: {prices}"


def test_a_mistake_is_told_beside_its_field(page):
    page.goto("/motor")
    page.get_by_label("Postcode", exact=True).fill("nowhere")
    page.get_by_role("button", name="Compare prices").click()
    page.wait_for_selector("#postcode-problem")
    assert page.get_by_role("alert").is_visible()


def test_no_page_asks_for_what_is_not_there(page):
    missing = []
    page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
    for path in ("/", "/motor", "/home"):
        page.goto(path, wait_until="networkidle")
    assert not [url for url in missing if not url.endswith("/favicon.ico")], missing


def pounds(price):
    return float(re.sub(r"[^\d.]", "", price))
