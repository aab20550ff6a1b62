import click

from qfzz_core import hookimpl


@click.command("count-users")
@click.pass_obj
def count_users(session):
    """Print how many users the store has."""
    with session.engine() as engine:
        click.echo(sum(1 for _ in engine.store.user_ids()))


@hookimpl
def qfzz_commands():
    return [count_users]
