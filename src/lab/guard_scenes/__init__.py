"""Lines as the guard hears them: callers, noises, music, tones, and what is true of each frame."""

__all__ = ["GuardScene", "SceneRanges", "SceneWish", "draw_scene"]

from .scenes import GuardScene, SceneRanges, SceneWish, draw_scene
