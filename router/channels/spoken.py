"""What is said to callers whose telephone network speaks for us, in the languages that we have words for.

The network's computer speaks: short sentences, no names of people, numbers as digits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language. `place` has a place for the number of callers who are before this one, plus one."""

    greeting: str
    recorded: str
    place: str
    first: str
    stay: str
    down: str
    call: str


WORDS: Final[Mapping[str, Words]] = {
    "en": Words(
        greeting="Your call has arrived. Please stay on the line.",
        recorded="This call may be recorded.",
        place="You are number {} in line.",
        first="You are next.",
        stay="Please stay on the line. Your place is kept.",
        down="We cannot take your call at this moment.",
        call="Call {}.",
    ),
    "es": Words(
        greeting="Hemos recibido su llamada. No cuelgue, por favor.",
        recorded="Esta llamada puede ser grabada.",
        place="Usted es el número {} en la fila.",
        first="Usted es el siguiente.",
        stay="No cuelgue, por favor. Conserva su lugar.",
        down="En este momento no podemos atender su llamada.",
        call="Llame al {}.",
    ),
    "fr": Words(
        greeting="Votre appel est bien arrivé. Restez en ligne, s'il vous plaît.",
        recorded="Cet appel peut être enregistré.",
        place="Vous êtes numéro {} dans la file.",
        first="Vous êtes le prochain.",
        stay="Restez en ligne, s'il vous plaît. Vous gardez votre place.",
        down="Nous ne pouvons pas prendre votre appel en ce moment.",
        call="Appelez le {}.",
    ),
    "de": Words(
        greeting="Ihr Anruf ist angekommen. Bitte bleiben Sie am Apparat.",
        recorded="Dieser Anruf wird möglicherweise aufgezeichnet.",
        place="Sie sind Nummer {} in der Reihe.",
        first="Sie sind als Nächstes an der Reihe.",
        stay="Bitte bleiben Sie am Apparat. Sie behalten Ihren Platz.",
        down="Wir können Ihren Anruf im Moment nicht annehmen.",
        call="Rufen Sie {} an.",
    ),
    "nl": Words(
        greeting="Uw oproep is ontvangen. Blijf aan de lijn.",
        recorded="Dit gesprek kan worden opgenomen.",
        place="U bent nummer {} in de rij.",
        first="U bent als volgende aan de beurt.",
        stay="Blijf aan de lijn. U behoudt uw plaats.",
        down="We kunnen uw oproep op dit moment niet aannemen.",
        call="Bel {}.",
    ),
    "ar": Words(
        greeting="وصلت مكالمتك. يرجى البقاء على الخط.",
        recorded="قد يتم تسجيل هذه المكالمة.",
        place="أنت رقم {} في الانتظار.",
        first="أنت التالي.",
        stay="يرجى البقاء على الخط. مكانك محفوظ.",
        down="لا يمكننا الرد على مكالمتك الآن.",
        call="اتصل بالرقم {}.",
    ),
    "zh": Words(
        greeting="您的电话已接入，请不要挂断。",
        recorded="通话可能会被录音。",
        place="您排在第 {} 位。",
        first="下一位就是您。",
        stay="请不要挂断，您的位置已保留。",
        down="我们现在无法接听您的电话。",
        call="请拨打 {}。",
    ),
    "ru": Words(
        greeting="Ваш звонок принят. Пожалуйста, оставайтесь на линии.",
        recorded="Разговор может быть записан.",
        place="Ваш номер в очереди: {}.",
        first="Вы следующий.",
        stay="Пожалуйста, оставайтесь на линии. Ваше место сохраняется.",
        down="Сейчас мы не можем ответить на ваш звонок.",
        call="Позвоните по номеру {}.",
    ),
    "uk": Words(
        greeting="Ваш дзвінок прийнято. Будь ласка, залишайтеся на лінії.",
        recorded="Розмова може бути записана.",
        place="Ваш номер у черзі: {}.",
        first="Ви наступний.",
        stay="Будь ласка, залишайтеся на лінії. Ваше місце збережено.",
        down="Зараз ми не можемо відповісти на ваш дзвінок.",
        call="Зателефонуйте за номером {}.",
    ),
}
"""By language. tests check that config.words.SPOKEN names the same ones."""


def spoken_to(language: str, known: Sequence[str]) -> tuple[str, ...]:
    """In which languages to speak to somebody of this language; all known ones where it is none of them."""
    able = tuple(each for each in known if each in WORDS) or ("en",)
    return (language,) if language in able else able
