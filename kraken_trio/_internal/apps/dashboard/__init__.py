"""The web dashboard: one feed, shown to any number of browsers.

What it shows is in ``apps.view``; this knows HTTP and WebSockets. Needs the extra ``dashboard``.
"""
