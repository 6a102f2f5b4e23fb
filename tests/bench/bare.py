"""The least that Flask can do: what everything is measured against."""

from flask import Flask

app = Flask("bare")
app.add_url_rule("/", view_func=lambda: "ok")
