"""The session under ironicclient: as nobody, by HTTP basic, or by Keystone.

Importing keystoneauth takes a second; only `client` imports this module, when it is opened.
"""

from keystoneauth1.http_basic import HTTPBasicAuth
from keystoneauth1.identity.v3 import Password
from keystoneauth1.noauth import NoAuth
from keystoneauth1.plugin import BaseAuthPlugin
from keystoneauth1.session import Session

from activities.ironic.account import Account
from activities.openstack_session import open_session


def session(account: Account) -> Session:
    return open_session(_auth(account), account.trust, account.timeout_s, unverified=account.unverified)


def _auth(account: Account) -> BaseAuthPlugin:
    if not account.username:
        return NoAuth(endpoint=account.url)
    if not account.auth_url:
        return HTTPBasicAuth(endpoint=account.url, username=account.username, password=account.password)
    return Password(
        auth_url=account.auth_url,
        username=account.username,
        password=account.password,
        project_name=account.project,
        user_domain_name=account.domain,
        project_domain_name=account.domain,
    )
