def test_hello():
    assert "hello".upper() == "HELLO"
