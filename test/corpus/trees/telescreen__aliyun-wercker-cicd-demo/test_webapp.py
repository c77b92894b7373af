from webapp import page


def test_page_greets():
    assert page("sailor") == "<p>hello, sailor</p>"


def test_page_is_a_paragraph():
    assert page("").startswith("<p>")
