"""A recorded call for the eye and the ear: one self-contained page, or one picture."""

from __future__ import annotations

__all__ = ["render_page"]

from .page import render_page
