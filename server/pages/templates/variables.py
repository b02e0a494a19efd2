"""What a text may insert: the variables of templates, for the records of one module."""

from fastapi import APIRouter
from starlette.responses import Response

from server.access.session import Signed
from server.operations.variables import list_variables
from server.pages.frame.errors import PageRoute
from server.pages.frame.lists import choice
from server.pages.frame.page import page
from server.pages.templates.views import VariablesView

router = APIRouter(route_class=PageRoute, include_in_schema=False)
USUAL = "invoices"


@router.get("/variables")
def show_variables(visit: Signed) -> Response:
    with visit.desk.read() as tx:
        known = [module for module in tx.schema if not (module.system or module.lines_of)]
        names = [module.name for module in known]
        asked = visit.asked("module")
        name = next(name for name in (asked, USUAL, *names) if name in names)
        told = list_variables(visit.desk, name)
        view: VariablesView = {
            "module": tx.schema.module(name).label,
            "modules": [choice(each.name, each.label, each.name == name) for each in known],
            "groups": told["groups"],
        }
        return page(visit, tx, "variables.html", view, title="Variables", here="templates")
