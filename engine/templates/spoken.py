"""Which language a text is in, told by its commonest words."""

import re
from collections import Counter
from html import unescape

LEAST = 0.2  # of the words of a text are among the commonest of its language,
MARGIN = 2  # and so many more than among those of the reader's
WORD = re.compile(r"[^\W\d_]+")
NO_WORDS = re.compile(r"<(style|script)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
COMMON = {
    "en": "a an and are as at be been by dear for from has have hello if in is it its not of on "
    "or our please regards thank thanks that the their these this to was we will with you your",
    "fr": "à au aux avec avez avons bonjour ce ces cet cette cordialement dans de des du elle en "
    "est et été il la le les madame merci ne notre nous ou par pas pour que qui se son sont sous "
    "sur un une votre vos vous",
    "de": "als am an auf aus bei bis bitte das dem den der des die ein eine einen es für grüßen "
    "guten haben hat ihnen ihr ihre ihren im in ist mit nach nicht noch oder sehr sie sind und "
    "uns unsere vielen vom von werden wir wird zu zum zur",
    "es": "al como con de del el en es está este esta estas gracias ha han hemos hola la las le lo "
    "los más muy no nos o para pero por que se si su sus un una usted ustedes y ya",
    "it": "a al alla anche che con da dal dei del della delle di e è gentile gli grazie ha il in "
    "la le lo nel non per più questa queste questo se si sono su un una vi vostra vostro",
    "nl": "aan als bedankt beste bij dan dat de deze die dit een en er geachte hebben hebt heeft "
    "het in is met naar niet nog of om ons onze ook op te u uw van voor was we wij wordt zijn",
    "pt": "a ao as até com da das de do dos e em é está foi já mais na não nas no nos nossa nosso "
    "o obrigada obrigado olá os ou para pela pelo por que se são seu sua também um uma você",
    "da": "af at de den der det dig din du efter eller en er et for fra har hilsen ikke kære med "
    "men mere og om på som tak til var vi vil vores være",
    "sv": "att av de den det dig din du efter eller en ett för från har hej här inom inte kära med "
    "men mer och om på som tack till var vi vill vår vårt är",
    "pl": "aby ale czy dla do dziękujemy dzień dobry i jak jest lub ma na nas nie o od po proszę "
    "przez są się szanowni to w z za ze że",
    "cs": "a aby ale děkujeme den dobrý do i jak je jsme jsou k má na nebo o od po pro prosím s "
    "se si to u v vážený ve za že",
    "ro": "a al am ați bună că care ce cu de din dumneavoastră este fi în la mai mulțumim ne nu o "
    "pe pentru prin sau se să sunt și stimate un vă",
}
LANGUAGES_OF = {
    word: tuple(language for language, words in COMMON.items() if word in words.split())
    for words in COMMON.values()
    for word in words.split()
}


def language_of(text: str, reader: str, *others: str) -> str:
    """The language of a text or of HTML: the reader's, unless its words are plainly of another.

    Of a language that has customs of several countries, `others` tell which are meant. No more is
    said of a text for a reader whose language we do not know.
    """
    own = _plain(reader)
    words = WORD.findall(unescape(NO_WORDS.sub(" ", text)).casefold())
    found = Counter(language for word in words for language in LANGUAGES_OF.get(word, ()))
    most = max(found.values(), default=0)
    ahead = [language for language, count in found.items() if count == most]
    plainly = most >= found[own] + MARGIN and most >= LEAST * len(words)
    if own not in COMMON or len(ahead) != 1 or not plainly:
        return reader
    return next((other for other in others if _plain(other) == ahead[0]), ahead[0])


def _plain(language: str) -> str:
    return language.replace("_", "-").partition("-")[0].lower()
