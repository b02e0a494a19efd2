"""The kill switch at the command line: stop what leaves the house, and let it go on."""

import click

from server.cli.terminal import opened


@click.command("stop")
@click.argument("what")
@click.option("--reason", required=True, help="Why, for whoever finds it stopped.")
def stop(what: str, reason: str) -> None:
    """Stop at once WHAT leaves the house: all, email, sms, webhook, model or workflow/12."""
    from sqlalchemy import select

    from engine.outside import kill_switch
    from engine.people import audit
    from engine.people.logins import BY_SAYSO
    from engine.problems import Invalid
    from engine.records.tables import WORKFLOWS

    installation = opened()
    with installation.database.begin() as tx:
        try:
            scope = kill_switch.scope(what, tx.db.scalars(select(WORKFLOWS.c.id)).all())
        except Invalid as invalid:
            raise click.UsageError(str(invalid)) from None
        kill_switch.stop(tx, scope, reason, BY_SAYSO.name)
        audit.record(tx, BY_SAYSO.name, "stop sending", scope, {"reason": reason})
    click.echo(f"Stopped: {scope}. Nothing is lost; `sayso go-on {scope}` lets it go on.")


@click.command("go-on")
@click.argument("what")
def go_on(what: str) -> None:
    """Let go on WHAT was stopped."""
    from engine.outside import kill_switch
    from engine.people import audit
    from engine.people.logins import BY_SAYSO
    from engine.runs.sending.outbox import lift_stop

    installation = opened()
    with installation.database.begin() as tx:
        lifted = lift_stop(tx, what, BY_SAYSO.name)
        if lifted:
            audit.record(tx, BY_SAYSO.name, "go on sending", what, None)
        left = [row.scope for row in kill_switch.stops(tx)]
    if not lifted:
        raise click.UsageError(f"{what} is not stopped. Stopped: {', '.join(left) or 'nothing'}.")
    installation.changed()
    click.echo(f"It goes on: {what}.")
