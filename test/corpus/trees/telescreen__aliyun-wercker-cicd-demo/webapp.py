def page(name):
    return "<p>hello, %s</p>" % name
