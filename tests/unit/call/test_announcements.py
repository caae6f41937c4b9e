"""The sentences: from a file, by a voice, from the package."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from support.recordings import write_wav
from support.signals import tone
from voxgate.call.announcements import AnnouncementKind, Announcements, make_announcements
from voxgate.config.announcement_models import AnnouncementConfig, AnnouncementsConfig
from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.g711 import decode
from voxgate.core.levels import rms
from voxgate.errors import ConfigError, ProviderError
from voxgate.local_agent.voice import SpokenAudio

_NONE = AnnouncementConfig(text=None)
_SILENT = AnnouncementsConfig(fall_back=_NONE, lost=_NONE, unreachable=_NONE)
_WIDE = AudioFormat(Encoding.PCM16, 16_000)


class StandInVoice:
    """Speaks a tone of so many ms a letter, or fails."""

    def __init__(
        self, *, error: ProviderError | None = None, is_mute: bool = False, letter_ms: int = 20
    ) -> None:
        self._letter_ms = letter_ms
        self._error = error
        self._is_mute = is_mute
        self.spoken: list[str] = []
        self.is_running = False

    def __call__(self) -> StandInVoice:
        return self

    async def start(self) -> None:
        if self._error is not None:
            raise self._error
        self.is_running = True

    async def speak(self, text: str) -> AsyncIterator[SpokenAudio]:
        if self._error is not None:
            raise self._error
        self.spoken.append(text)
        for _ in [] if self._is_mute else text:
            audio = tone(self._letter_ms, 440.0, rate_hz=16_000).astype("<i2").tobytes()
            yield SpokenAudio(audio, _WIDE)

    async def stop(self) -> None:
        self.is_running = False


_UNABLE = ProviderError(
    "piper", "piper-tts is not installed: pip install 'voxgate[local]'", retryable=False
)


def unable() -> StandInVoice:
    return StandInVoice(error=_UNABLE)


class TestTexts:
    """Who speaks a text."""

    async def test_the_default_texts_need_nothing_that_is_not_there(self) -> None:
        """The package has them all, to the letter; a changed text would be found here."""
        made = await make_announcements(AnnouncementsConfig(), make_spare_voice=unable)
        for kind in AnnouncementKind:
            audio = made.audio_for(kind, AudioFormat())
            assert audio is not None
            assert 1.0 < AudioFormat().duration_ms(len(audio)) / 1000 < 8.0
            assert rms(decode(audio, AudioFormat())) > 500

    async def test_every_section_is_a_kind(self) -> None:
        """And the other way round."""
        assert {kind.value for kind in AnnouncementKind} == {
            field.name for field in fields(AnnouncementsConfig)
        }

    async def test_the_voice_of_an_agent_speaks_before_all(self) -> None:
        """The caller hears one voice, whoever fails; it goes on running, as it is the agent's."""
        voice = StandInVoice()
        await voice.start()
        made = await make_announcements(
            replace(_SILENT, lost=AnnouncementsConfig().lost), voice=voice, make_spare_voice=unable
        )
        text = AnnouncementsConfig().lost.text
        assert voice.spoken == [text]
        assert text is not None
        audio = made.audio_for(AnnouncementKind.LOST, _WIDE)
        assert audio is not None
        assert len(audio) == 640 * len(text)
        assert voice.is_running

    async def test_where_the_agent_s_voice_fails_the_others_are_there(self) -> None:
        """The default texts are heard all the same."""
        made = await make_announcements(
            AnnouncementsConfig(), voice=unable(), make_spare_voice=unable
        )
        assert made.audio_for(AnnouncementKind.LOST, AudioFormat()) is not None

    async def test_another_text_is_spoken_by_a_spare_voice_that_is_stopped_again(self) -> None:
        """Once started for all of them."""
        spare = StandInVoice()
        config = replace(
            AnnouncementsConfig(),
            fall_back=AnnouncementConfig(text="Wait."),
            lost=AnnouncementConfig(text="Oh."),
        )
        made = await make_announcements(config, make_spare_voice=spare)
        assert spare.spoken == ["Wait.", "Oh."]
        assert not spare.is_running
        assert made.audio_for(AnnouncementKind.FALL_BACK, _WIDE) is not None

    @pytest.mark.parametrize("spare", [unable(), StandInVoice(is_mute=True)])
    async def test_a_text_that_nobody_can_speak_is_an_error_with_ways_out(
        self, spare: StandInVoice
    ) -> None:
        """All of them at once."""
        config = replace(
            AnnouncementsConfig(),
            fall_back=AnnouncementConfig(text="Wait."),
            lost=AnnouncementConfig(text="Oh."),
        )
        with pytest.raises(ConfigError) as info:
            await make_announcements(config, make_spare_voice=spare)
        keys = [problem.key for problem in info.value.problems]
        assert keys == ["announcements.fall_back.text", "announcements.lost.text"]
        assert "give a recording as file, or set the text to null" in str(info.value)
        assert not spare.is_running

    async def test_what_has_to_be_installed_is_said(self) -> None:
        """By who knows it."""
        config = replace(_SILENT, lost=AnnouncementConfig(text="Oh."))
        with pytest.raises(ConfigError, match=r"pip install 'voxgate\[local\]'; or give a"):
            await make_announcements(config, make_spare_voice=unable)

    async def test_null_is_not_said(self) -> None:
        """Whatever the file is."""
        config = replace(_SILENT, lost=AnnouncementConfig(text=None, file="gone.wav"))
        made = await make_announcements(config, make_spare_voice=unable)
        for kind in AnnouncementKind:
            assert made.audio_for(kind, AudioFormat()) is None
        assert Announcements().audio_for(AnnouncementKind.LOST, AudioFormat()) is None

    async def test_one_that_goes_on_for_ever_is_refused(self) -> None:
        """A minute is no announcement."""
        config = replace(_SILENT, lost=AnnouncementConfig(text="x" * 500))
        with pytest.raises(ConfigError, match=r"lost\.text: lasts 50\.0 s, and an announcement at"):
            await make_announcements(config, make_spare_voice=StandInVoice(letter_ms=100))


def recording(path: Path, duration_ms: int, rate_hz: int = 8000) -> str:
    write_wav(path, tone(duration_ms, 440.0, rate_hz=rate_hz), rate_hz=rate_hz)
    return str(path)


class TestFiles:
    """Recordings."""

    async def test_a_file_wins_over_every_voice(self, tmp_path: Path) -> None:
        """Its text is for people who read."""
        voice = StandInVoice()
        file = recording(tmp_path / "a.wav", 500)
        config = replace(_SILENT, lost=AnnouncementConfig(text="Oh.", file=file))
        made = await make_announcements(config, voice=voice, make_spare_voice=unable)
        audio = made.audio_for(AnnouncementKind.LOST, AudioFormat())
        assert audio == tone(500, 440.0).astype("<i2").tobytes()
        assert voice.spoken == []

    @pytest.mark.parametrize("rate_hz", [8000, 16_000, 22_050, 48_000])
    @pytest.mark.parametrize(
        "target",
        [AudioFormat(), _WIDE, AudioFormat(Encoding.MULAW), AudioFormat(Encoding.PCM16, 48_000)],
    )
    async def test_it_is_played_on_any_line(
        self, tmp_path: Path, rate_hz: int, target: AudioFormat
    ) -> None:
        """Whole frames, as long as it was but for the filter's tail, as loud, to its end."""
        file = recording(tmp_path / "a.wav", 510, rate_hz)
        config = replace(_SILENT, lost=AnnouncementConfig(text="Oh.", file=file))
        made = await make_announcements(config, make_spare_voice=unable)
        audio = made.audio_for(AnnouncementKind.LOST, target)
        assert audio is not None
        assert len(audio) % target.frame_bytes == 0
        assert 510 <= target.duration_ms(len(audio)) <= 570
        samples = decode(audio, target).astype(np.float64)
        middle = samples[target.rate_hz // 10 : target.rate_hz // 2]
        wanted = float(np.sqrt(np.mean(tone(400, 440.0).astype(np.float64) ** 2)))
        assert np.sqrt(np.mean(middle**2)) == pytest.approx(wanted, rel=0.05)
        assert made.audio_for(AnnouncementKind.LOST, target) is audio

    @pytest.mark.parametrize(
        ("content", "rule"),
        [
            (None, "can't be read: No such file or directory"),
            (b"ID3", "is not a WAV file; an announcement is a WAV file, mono and 16-bit"),
        ],
    )
    async def test_what_can_not_be_played_is_named(
        self, tmp_path: Path, content: bytes | None, rule: str
    ) -> None:
        """With its key and its path."""
        path = tmp_path / "a.wav"
        if content is not None:
            path.write_bytes(content)
        config = replace(_SILENT, unreachable=AnnouncementConfig(text="Oh.", file=str(path)))
        with pytest.raises(ConfigError) as info:
            await make_announcements(config, make_spare_voice=unable)
        (problem,) = info.value.problems
        assert problem.key == "announcements.unreachable.file"
        assert problem.value == repr(str(path))
        assert problem.rule.startswith(rule)

    async def test_a_recording_of_minutes_is_refused(self, tmp_path: Path) -> None:
        """A caller who is told so much has hung up."""
        file = recording(tmp_path / "a.wav", 31_000)
        config = replace(_SILENT, lost=AnnouncementConfig(text="Oh.", file=file))
        with pytest.raises(ConfigError, match=r"lost\.file: .* lasts 31\.0 s, and an announ"):
            await make_announcements(config, make_spare_voice=unable)
