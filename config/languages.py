"""The languages a centre can say it serves: those that detection can tell apart (skills/language.py)."""

from typing import Final

_CODES: Final = """
    ace af am an ar ary arz as az ba bcl be bg bn br bs ca crh cs cy da de dz el en eo es et eu ext
    fa fi fo fr fuv fy ga gcf gcr gd gl gom grc gu gug guw ha hbo he hi hr ht hu hy id ig is it ja
    jv ka kab kik kk km kn ko ku ky la lb lg lij ln lo lt ltg lv mg mk ml mn mr ms mt my ne nl nn no
    nso oc om or pa pcm pl ps pt qu ro ru rw sa sdh se si sk sl sn so sq sr st sv sw ta te tg th tk
    tl tr tt ug uk ur uz uzs vec vi vo wa wuu xh yo yue zh zu
"""

KNOWN_LANGUAGES: Final = frozenset(_CODES.split())
"""ISO 639-1 codes, and ISO 639-3 where there is none. A test keeps it equal to what the detector knows."""
