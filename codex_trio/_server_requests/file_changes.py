"""`FileChangeApprovalRequest`: the request to change files, with its changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._json import as_text
from ..models import WireValue
from .decisions import COMMON_PARAMS, BaseApprovalRequest, Decision, check_grant, find_extra, is_empty, read_common

_GRANTS = frozenset({"grantRoot"})
_KNOWN = frozenset({"path", "kind", "diff"})  # fields of a change


class FileChange(WireValue, frozen=True):
    """A change to a file.

    Attributes:
        path: Absolute path of the file, as resolved by codex. Codex follows symbolic links, so the file that changes may be
            another one (codex 0.171).
        kind: ``add``, ``delete`` or ``update``.
        moved_to: ``kind.move_path``: the absolute path that the changed file is moved to; empty if it is not moved. An
            existing file at that path is replaced.
        diff: The unified diff. For a file that is added or deleted, the whole content.
        raw: The change as the server sent it.

    Example:
        ``for change in request.changes or (): print(change.kind, change.path, change.moved_to)``
    """

    path: str
    kind: str
    diff: str
    raw: Mapping[str, Any]
    moved_to: str = ""

    @classmethod
    def from_wire(cls, change: Mapping[str, Any]) -> FileChange:
        """Read an entry of ``changes``."""
        kind = change.get("kind")
        kind = kind if isinstance(kind, dict) else {"type": kind}
        return cls(
            path=as_text(change.get("path")),
            kind=as_text(kind.get("type")),
            diff=as_text(change.get("diff")),
            raw=change,
            moved_to=as_text(kind.get("move_path")),
        )


class FileChangeApprovalRequest(BaseApprovalRequest, frozen=True, kw_only=True, eq=False):
    """A request to change files.

    Attributes:
        thread_id: Id of the thread.
        turn_id: Id of the turn.
        item_id: Id of the ``fileChange`` item.
        reason: The reason; empty if the server does not send one.
        changes: The changes, at least one, as the server last sent them before the request, in ``item/started`` or a later
            ``item/fileChange/patchUpdated``. `None` if they are not fully known: another client or process
            started the turn, and this client resumed it later (the history of codex 0.163 to 0.171 lacks pending changes),
            or a change cannot be parsed.
        grant_root: ``grantRoot``: a folder that the server wants to write to without further requests; empty if it does not
            send one.
        available_decisions: Always `None`: the server does not send them (codex 0.169).
        raw: The request's params.

    Example:
        ```python
        def on_approval(request: ApprovalRequest) -> Decision:
            if not isinstance(request, FileChangeApprovalRequest) or request.changes is None or request.extra_permissions:
                return request.decline()
            written = [path for change in request.changes for path in (change.path, change.moved_to) if path]
            return request.accept() if all(path.endswith(".md") for path in written) else request.decline()
        ```
    """

    changes: tuple[FileChange, ...] | None
    grant_root: str
    available_decisions: None = None

    @classmethod
    def from_wire(cls, params: Mapping[str, Any], changes: object) -> FileChangeApprovalRequest:
        """Read the params and the ``changes`` of the item."""
        return cls(
            **read_common(params),
            changes=_read_changes(changes),
            grant_root=as_text(params.get("grantRoot")),
        )

    @property
    def extra_permissions(self) -> Mapping[str, Any]:
        """Permissions that accepting would grant in addition to `changes`, by wire name; empty if there are none.

        These are ``grantRoot``, and unknown params that are objects or lists.
        """
        return find_extra(self.raw, grants=_GRANTS, known=COMMON_PARAMS)

    def accept(self, *, with_permissions: bool = False, unseen: bool = False) -> Decision:
        """Allow the changes, this once.

        Args:
            with_permissions: Grant `extra_permissions` as well.
            unseen: Accept even if `changes` is `None`.

        Raises:
            ValueError: The request needs an argument that was not given.
        """
        return self._grant("accept", with_permissions=with_permissions, unseen=unseen)

    def accept_for_session(self, *, with_permissions: bool = False, unseen: bool = False) -> Decision:
        """Allow the changes, and allow further changes to the same files in this thread without further requests.

        Args:
            with_permissions: As for `accept`.
            unseen: As for `accept`.

        Raises:
            ValueError: As for `accept`.
        """
        return self._grant("acceptForSession", with_permissions=with_permissions, unseen=unseen)

    def decline(self) -> Decision:
        """Do not allow the changes. The turn continues, and the model learns of the decision."""
        return Decision("decline", self, {"decision": "decline"})

    def cancel(self) -> Decision:
        """Do not allow the changes, and interrupt the turn."""
        return Decision("cancel", self, {"decision": "cancel"})

    def _grant(self, name: str, *, with_permissions: bool, unseen: bool) -> Decision:
        unknown = "the changes are not fully known" if self.changes is None else ""
        check_grant(unknown, self.extra_permissions, with_permissions=with_permissions, unseen=unseen)
        return Decision(name, self, {"decision": name})


def _read_changes(value: object) -> tuple[FileChange, ...] | None:
    """Return the changes; `None` if the list is empty or a change is not fully understood."""
    if not isinstance(value, list) or not value:
        return None
    changes = [FileChange.from_wire(entry) for entry in value if isinstance(entry, dict) and _is_understood(entry)]
    return tuple(changes) if len(changes) == len(value) else None


def _is_understood(change: Mapping[str, Any]) -> bool:
    path, kind, diff = change.get("path"), change.get("kind"), change.get("diff")
    if not (isinstance(path, str) and path and isinstance(diff, str)):
        return False
    if find_extra(change, grants=frozenset(), known=_KNOWN):
        return False
    if not isinstance(kind, dict):
        return kind in ("add", "delete", "update")
    target = kind.get("move_path")
    is_target_known = target is None or (isinstance(target, str) and target != "")
    has_more = any(not is_empty(value) for name, value in kind.items() if name not in ("type", "move_path"))
    return kind.get("type") in ("add", "delete", "update") and is_target_known and not has_more
