"""Words that say no more messages, messages again, or who are you: STOP, START, HELP and their kin. Pure.

Only a whole message counts: "stop" among other words is something that somebody says. Also a whole one may be
said to somebody in the same room: what follows from it is about messages alone, and a human sees it too.

Source: CTIA, Messaging Principles and Best Practices; twilio.com/docs, opt-out keywords. Words that are an
everyday answer in another language (fine, son, para) are left out.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from skills.text import fold

STOP: Final = "stop"
START: Final = "start"
HELP: Final = "help"

NETWORK: Final[Mapping[str, frozenset[str]]] = {
    STOP: frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke"}),
    START: frozenset({"start", "unstop", "yes"}),
    HELP: frozenset({"help", "info"}),
}
"""Those that networks take for themselves: they answer them, and block or unblock what is sent."""

WORDS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "en": {
        STOP: (*sorted(NETWORK[STOP]), "stop all", "opt out", "no more messages", "stop messages"),
        START: (*sorted(NETWORK[START]), "opt in", "optin", "subscribe", "resume"),
        HELP: ("help", "info"),
    },
    "es": {
        STOP: (
            "alto",
            "parar",
            "pare",
            "baja",
            "darse de baja",
            "darme de baja",
            "cancelar",
            "detener",
            "fin",
        ),
        START: ("alta", "comenzar", "empezar", "iniciar", "reanudar", "suscribir", "suscribirme"),
        HELP: ("ayuda", "información"),
    },
    "fr": {
        STOP: (
            "arrêt",
            "arret",
            "arrêter",
            "arreter",
            "arrêtez",
            "désabonner",
            "desabonner",
            "annuler",
            "fin",
        ),
        START: ("commencer", "démarrer", "demarrer", "reprendre", "abonner", "s'abonner"),
        HELP: ("aide", "à l'aide", "infos"),
    },
    "nl": {
        STOP: ("stoppen", "afmelden", "uitschrijven", "opzeggen", "annuleren", "einde"),
        START: ("aanmelden", "inschrijven", "hervatten", "beginnen"),
        HELP: ("hulp", "informatie"),
    },
    "de": {
        STOP: ("stopp", "abmelden", "abbestellen", "austragen", "beenden", "abbrechen", "kündigen", "ende"),
        START: ("starten", "anmelden", "fortsetzen", "beginnen"),
        HELP: ("hilfe", "auskunft"),
    },
    "it": {
        STOP: (
            "ferma",
            "fermare",
            "basta",
            "annulla",
            "cancella",
            "cancellami",
            "disiscrivi",
            "disiscrivimi",
        ),
        START: ("inizia", "iniziare", "avvia", "riprendi", "iscrivi", "iscrivimi"),
        HELP: ("aiuto", "informazioni"),
    },
    "pt": {
        STOP: ("pare", "parar", "cancelar", "sair", "remover", "descadastrar", "fim"),
        START: ("começar", "comecar", "iniciar", "retomar", "inscrever"),
        HELP: ("ajuda", "informação", "informações"),
    },
    "ar": {
        STOP: (
            "توقف",
            "قف",
            "إيقاف",
            "ايقاف",
            "أوقف",
            "اوقف",
            "إلغاء",
            "الغاء",
            "إلغاء الاشتراك",
            "الغاء الاشتراك",
        ),
        START: ("ابدأ", "ابدا", "بدء", "اشتراك", "اشترك", "استئناف"),
        HELP: ("مساعدة", "معلومات"),
    },
    "zh": {
        STOP: ("停止", "取消", "退订", "退訂", "取消订阅", "取消訂閱", "不要再发", "不要再發"),
        START: ("开始", "開始", "订阅", "訂閱", "恢复", "恢復"),
        HELP: ("帮助", "幫助", "求助"),
    },
    "ru": {
        STOP: ("стоп", "отписаться", "отписка", "отпишите", "отмена", "отменить", "прекратить"),
        START: ("старт", "начать", "подписаться", "подписка", "возобновить"),
        HELP: ("помощь", "инфо", "справка"),
    },
    "uk": {
        STOP: ("стоп", "відписатися", "відписатись", "відписка", "скасувати", "припинити", "відмова"),
        START: ("старт", "почати", "підписатися", "підписатись", "підписка", "відновити"),
        HELP: ("допомога", "інфо", "довідка"),
    },
    "tr": {
        STOP: ("dur", "durdur", "iptal", "iptal et", "çık", "bitir", "abonelikten çık"),
        START: ("başla", "basla", "başlat", "devam et", "abone ol"),
        HELP: ("yardım", "yardim", "bilgi"),
    },
}
"""By language. English is understood everywhere: networks know it, and people were told to write it."""

CHARACTERS_MAX: Final = 60
"""No word of these is longer, whatever is around it."""


def _bare(text: str) -> str:
    """The folded words with one space between them, without what stands around them; ı is taken for i."""
    folded = fold(text).replace("’", "'").replace("ı", "i")
    letters = (letter if letter.isalnum() or letter == "'" else " " for letter in folded)
    return " ".join("".join(letters).split()).strip("' ")


_KIN: Final = {
    language: {_bare(word): kin for kin, words in kinds.items() for word in words}
    for language, kinds in WORDS.items()
}


def kin_of(text: str, languages: Iterable[str] = ()) -> str:
    """stop, start or help where the whole message is such a word of English or one of these; else ''."""
    if len(text) > CHARACTERS_MAX:
        return ""
    said = _bare(text)
    return next((_KIN[each][said] for each in ("en", *languages) if said in _KIN.get(each, ())), "")


def is_of_network(text: str, kin: str) -> bool:
    """Whether networks understand this word as well."""
    return _bare(text) in NETWORK.get(kin, ())
