"""Bearer tokens of every sort: of the token file, of ServiceAccounts, of bootstrap Secrets."""

import hashlib
from collections.abc import Mapping, Sequence

from minikube_py.apiserver.authn import Authenticated
from minikube_py.meta.users import User
from minikube_py.resources.bootstrap_tokens import BootstrapTokens
from minikube_py.resources.service_account_tokens import ServiceAccountTokens


class BearerTokens:
    """Satisfies authn.TokenAuthenticator; `static` are users by token."""

    def __init__(
        self,
        service_accounts: ServiceAccountTokens,
        bootstrap: BootstrapTokens,
        static: Mapping[str, User],
    ) -> None:
        self._service_accounts = service_accounts
        self._bootstrap = bootstrap
        # Looked up by digest: how long that takes says nothing about a token.
        self._static = {_digest(token): user for token, user in static.items()}

    def authenticate(self, token: str, audiences: Sequence[str] = ()) -> Authenticated | None:
        user = self._static.get(_digest(token)) or self._bootstrap.review(token)
        if user is not None:
            own = self._service_accounts.default_audience
            return Authenticated(user, (own,)) if not audiences or own in audiences else None
        reviewed = self._service_accounts.review(token, audiences)
        if reviewed is None:
            return None
        return Authenticated(reviewed.user, reviewed.audiences)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
