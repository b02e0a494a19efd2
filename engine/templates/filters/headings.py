"""The words that we ourselves put into a letter, in the languages that customers have."""

from collections.abc import Mapping

from engine.schema.modules import Module
from engine.schema.purposes import Purpose

HEADINGS = {
    "number": {
        "en": "Number", "fr": "Numéro", "de": "Nummer", "es": "Número", "it": "Numero",
        "nl": "Nummer", "pt": "Número",
    },
    "invoice": {
        "en": "Invoice", "fr": "Facture", "de": "Rechnung", "es": "Factura", "it": "Fattura",
        "nl": "Factuur", "pt": "Fatura",
    },
    "issue_date": {
        "en": "Date", "fr": "Date", "de": "Datum", "es": "Fecha", "it": "Data", "nl": "Datum",
        "pt": "Data",
    },
    "due_date": {
        "en": "Due date", "fr": "Échéance", "de": "Fällig am", "es": "Vencimiento",
        "it": "Scadenza", "nl": "Vervaldatum", "pt": "Vencimento",
    },
    "days_due": {
        "en": "Days overdue", "fr": "Jours de retard", "de": "Tage überfällig",
        "es": "Días de retraso", "it": "Giorni di ritardo", "nl": "Dagen te laat",
        "pt": "Dias de atraso",
    },
    "total": {
        "en": "Total", "fr": "Total", "de": "Gesamt", "es": "Total", "it": "Totale",
        "nl": "Totaal", "pt": "Total",
    },
    "balance": {
        "en": "Left to pay", "fr": "Reste à payer", "de": "Noch zu zahlen", "es": "Por pagar",
        "it": "Da pagare", "nl": "Nog te betalen", "pt": "Por pagar",
    },
    "currency": {
        "en": "Currency", "fr": "Devise", "de": "Währung", "es": "Moneda", "it": "Valuta",
        "nl": "Valuta", "pt": "Moeda",
    },
    "statement": {
        "en": "Your statement", "fr": "Votre relevé", "de": "Ihr Kontoauszug",
        "es": "Su estado de cuenta", "it": "Il suo estratto conto", "nl": "Uw overzicht",
        "pt": "O seu extrato",
    },
    "nothing_open": {
        "en": "Nothing is left to pay.", "fr": "Rien ne reste à payer.",
        "de": "Es ist nichts offen.", "es": "No queda nada por pagar.",
        "it": "Non c'è nulla da pagare.", "nl": "Er staat niets open.",
        "pt": "Não há nada por pagar.",
    },
    "statement_of": {
        "en": "Statement of account", "fr": "Relevé de compte", "de": "Kontoauszug",
        "es": "Estado de cuenta", "it": "Estratto conto", "nl": "Rekeningoverzicht",
        "pt": "Extrato de conta",
    },
    "in_all": {
        "en": "In all", "fr": "En tout", "de": "Insgesamt", "es": "En total", "it": "In tutto",
        "nl": "In totaal", "pt": "No total",
    },
    "download": {
        "en": "Download", "fr": "Télécharger", "de": "Herunterladen", "es": "Descargar",
        "it": "Scarica", "nl": "Downloaden", "pt": "Descarregar",
    },
    "good_until": {
        "en": "This link can be opened until", "fr": "Ce lien peut être ouvert jusqu'au",
        "de": "Dieser Link kann geöffnet werden bis", "es": "Este enlace se puede abrir hasta el",
        "it": "Questo link si può aprire fino al", "nl": "Deze link kan worden geopend tot",
        "pt": "Esta ligação pode ser aberta até",
    },
    "link_over": {
        "en": "This link has ended", "fr": "Ce lien a expiré", "de": "Dieser Link ist abgelaufen",
        "es": "Este enlace ha caducado", "it": "Questo link è scaduto",
        "nl": "Deze link is verlopen", "pt": "Esta ligação expirou",
    },
    "no_link": {
        "en": "There is nothing at this address", "fr": "Il n'y a rien à cette adresse",
        "de": "Unter dieser Adresse gibt es nichts", "es": "No hay nada en esta dirección",
        "it": "A questo indirizzo non c'è nulla", "nl": "Op dit adres is niets",
        "pt": "Não há nada neste endereço",
    },
    "ask_again": {
        "en": "Please ask us for a new one.", "fr": "Demandez-nous un nouveau lien.",
        "de": "Bitte fragen Sie uns nach einem neuen.", "es": "Pídanos uno nuevo.",
        "it": "Chiedetecene uno nuovo.", "nl": "Vraag ons om een nieuwe.",
        "pt": "Peça-nos uma nova.",
    },
}  # fmt: skip


OF_INVOICES = {"number": "invoice"}


def headings(module: Module) -> Mapping[str, str]:
    """What heads the fields of a module: their titles, or a word of ours where it says the same."""
    own = {field.name: field.title for field in module.by_name.values()}
    if module.purpose == Purpose.INVOICE:
        return {name: title for name, title in own.items() if name not in HEADINGS} | OF_INVOICES
    ours = {name for name, title in own.items() if _our_word(name).casefold() == title.casefold()}
    told = {name: title for name, title in own.items() if name not in ours}
    return {**told, "number": module.singular}


def _our_word(name: str) -> str:
    return HEADINGS.get(name, {}).get("en", "")


def heading(name: str, language: str, own: Mapping[str, str] = OF_INVOICES) -> str:
    """What heads a field: its `own` title, or a word of ours in a language, else in English."""
    meant = own.get(name, name)
    known = HEADINGS.get(meant)
    if known:
        return known.get(language.replace("_", "-").partition("-")[0].lower(), known["en"])
    words = meant.rpartition(".")[2].replace("_", " ").strip()
    return meant if name in own else words[:1].upper() + words[1:]
