"""Fitting Room: the menu and the page that was asked for."""

from pages.shared import frame

frame.navigation().run()
