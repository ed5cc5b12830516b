"""What spares a heartbeat the session and the user: a signed token that says who saw what.

By it a heartbeat learns one thing, that nothing has changed, and at the price of one statement.
Whatever else is the case, a normal request finds out, with session and user: a token is never
needed, and one that no longer holds costs no more than time. It holds for a user as long as the
session is there by which it was issued, the password is as it was and the user is active, for an
hour at most. It is no key to a session: it holds only together with the session's cookie.

Only where Django's own means decide all this. A site that keeps sessions or finds users in a way of
its own gets no tokens, and neither does one whose ``PAYER`` has to be asked.
"""

from __future__ import annotations

import secrets
import time
from functools import cache
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.backends.cache import SessionStore as CacheStore
from django.contrib.sessions.backends.cached_db import SessionStore as CachedStore
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.core import signing
from django.db import connections, router
from django.db.models import BooleanField, CharField, Manager, Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import import_string

from payments_ui.conf import settings
from payments_ui.core import queries
from payments_ui.core.models import LineItem
from payments_ui.payer import is_guest

#: The parameter of the heartbeat's URL, beside ``v``: the version that its page has seen.
NAME = "token"
#: Seconds. A part of it is random, lest tokens that were issued at once expire at once.
_MAX_AGE, _SPREAD = 3600, 900
# Sessions that last as long as their row, or their entry in the cache, is there.
_STORES = (DatabaseStore, CachedStore, CacheStore)


def issue(request: HttpRequest, seen: str) -> str:
    """A token for who is signed in, and has seen this version; empty where none can hold."""
    session: Any = getattr(request, "session", None)
    user: Any = getattr(request, "user", None)
    if type(session) not in _STORES or user is None or not user.is_authenticated:
        return ""
    if settings.PAYER or is_guest(request) or not session.session_key:
        return ""
    # Not for whom a middleware of the site puts in the user's place, and not for a session that
    # ends because the password has just changed.
    pk, auth_hash = session.get(SESSION_KEY), session.get(HASH_SESSION_KEY, "")
    if pk != user._meta.pk.value_to_string(user):
        return ""
    if not _is_djangos_way(session.get(BACKEND_SESSION_KEY, ""), get_user_model()):
        return ""
    if not constant_time_compare(auth_hash, user.get_session_auth_hash()):
        return ""
    if not _is_one_database(session, user):
        return ""
    signer = _signer(session.session_key, seen)
    proof = signer.signature(f"password:{user.password}")
    expires = int(time.time()) + _MAX_AGE - secrets.randbelow(_SPREAD)
    # The primary key comes last, since it may have any character.
    return signer.sign(f"{proof}.{expires}.{pk}")


def holds(request: HttpRequest) -> bool:
    """Whether the request's token holds, and nothing has changed since.

    One statement, on indexes, whatever the number of line items; neither ``request.user`` nor
    what is in the session is read. False says nothing about who asks: find out the normal way.
    """
    session: Any = getattr(request, "session", None)
    if settings.PAYER or type(session) not in _STORES or not session.session_key:
        return False
    seen = request.GET.get("v", "")
    signer = _signer(session.session_key, seen)
    try:
        proof, expires, pk = signer.unsign(request.GET.get(NAME, "")).split(".", 2)
        found = _read(session, pk) if time.time() < int(expires) else None
        if found is None:
            return False
        version, password = found
        # A new password ends sessions whose rows are still there.
        signer.unsign(f"password:{password}{signer.sep}{proof}")
    except signing.BadSignature:
        return False
    return version == seen


def _signer(session_key: str, seen: str) -> signing.Signer:
    # A name space for each session and version: what is signed for one is nothing in another.
    return signing.Signer(salt=f"payments_ui.heartbeat:{session_key}:{seen}")


def _read(session: Any, pk: str) -> tuple[str, str] | None:
    """The version of the user's books, and the password as it is stored.

    ``None`` where the session has ended, or the user is gone or not active.
    """
    connection = connections[router.db_for_write(LineItem)]
    owner = LineItem._meta.get_field("user").get_db_prep_save(pk, connection)
    params = [owner, owner, owner, True]
    rows: type[Model] | None = None
    if isinstance(session, DatabaseStore):
        rows = session.get_model_class()
        now = rows._meta.get_field("expire_date").get_db_prep_save(timezone.now(), connection)
        params += [session.session_key, now]
    elif not session.exists(session.session_key):
        return None
    with connection.cursor() as cursor:
        cursor.execute(_statement(connection.alias, get_user_model(), rows), params)
        row = cursor.fetchone()
    if row is None:
        return None
    entries, items, password = row
    return queries.version_text(entries, items), password


@cache
def _statement(alias: str, user: Any, session: type[Model] | None) -> str:
    # ruff: noqa: S608 - only the names of tables and columns go in
    connection = connections[alias]
    name = connection.ops.quote_name
    columns = {field.name: name(field.column) for field in user._meta.local_concrete_fields}
    pk, password, is_active = (
        columns[each] for each in (user._meta.pk.name, "password", "is_active")
    )
    version = queries.told(queries.VERSION, connection.vendor)
    sql = (
        f"SELECT {version}, account.{password} FROM {name(user._meta.db_table)} AS account"
        f" WHERE account.{pk} = %s AND account.{is_active} = %s"
    )
    if session is None:
        return sql
    rows = name(session._meta.db_table)
    return f"{sql} AND EXISTS (SELECT 1 FROM {rows} WHERE session_key = %s AND expire_date > %s)"


@cache
def _is_djangos_way(backend: str, user: Any) -> bool:
    """Whether Django's own code decides who the user of a session is, and from which columns."""
    if not backend:
        return False
    own = {field.name: type(field) for field in user._meta.local_concrete_fields}
    same = (
        (import_string(backend), ModelBackend, "get_user"),
        (import_string(backend), ModelBackend, "user_can_authenticate"),
        (user, AbstractBaseUser, "get_session_auth_hash"),
        (type(user._default_manager), Manager, "get_queryset"),
    )
    return (
        all(getattr(used, name, None) is getattr(djangos, name) for used, djangos, name in same)
        and own.get("password") is CharField
        and own.get("is_active") is BooleanField
        and user._meta.pk.name in own
    )


def _is_one_database(session: Any, user: AbstractBaseUser) -> bool:
    """Whether one statement sees the books, the user and, where it has a row, the session."""
    aliases = {
        router.db_for_write(LineItem, instance=user),
        router.db_for_write(LineItem),
        router.db_for_write(get_user_model()),
    }
    if isinstance(session, DatabaseStore):
        aliases.add(router.db_for_write(session.get_model_class()))
    return len(aliases) == 1
