"""A small HTTP client for checks (``self.http``), with the options of an instance that matter most."""

import base64
import json as json_module
import ssl
import urllib.error
import urllib.parse
import urllib.request

from .agent import datadog_agent
from .config import is_affirmative

#: Seconds until a request is given up unless configured.
DEFAULT_TIMEOUT = 10.0

#: Longest answer in bytes.
MAX_ANSWER_BYTES = 64 << 20


class HTTPError(Exception):
    """An answer with a status that means failure."""

    def __init__(self, message, response):
        super().__init__(message)
        self.response = response


class Response:
    """An answer."""

    def __init__(self, url, status, reason, headers, content):
        self.url = url
        self.status_code = status
        self.reason = reason
        self.headers = headers
        self.content = content

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def ok(self):
        """Whether the status means success."""
        return self.status_code < 400

    @property
    def encoding(self):
        """The encoding that the answer names, else UTF-8."""
        return self.headers.get_content_charset() or "utf-8"

    @property
    def text(self):
        """The answer as text."""
        return self.content.decode(self.encoding, "replace")

    def json(self, **kwargs):
        """The answer as a value."""
        return json_module.loads(self.text, **kwargs)

    def iter_lines(self, decode_unicode=False, **_):
        """The answer line by line."""
        return iter(self.text.splitlines() if decode_unicode else self.content.splitlines())

    def raise_for_status(self):
        """Raises HTTPError unless the status means success."""
        if not self.ok:
            raise HTTPError("%s %s for url: %s" % (self.status_code, self.reason, self.url), self)

    def close(self):
        """Nothing is open."""


class _KeepStatus(urllib.request.HTTPErrorProcessor):
    """Answers with a bad status are answers; redirects are followed only when wanted."""

    def __init__(self, follow):
        self._follow = follow

    def http_response(self, request, response):
        if self._follow and response.status in (301, 302, 303, 307, 308):
            return super().http_response(request, response)
        return response

    https_response = http_response


class Http:
    """Makes requests with the options of an instance."""

    def __init__(self, instance, init_config):
        def option(key, default=None):
            for options in (instance or {}, init_config or {}):
                if options.get(key) is not None:
                    return options[key]
            return default

        self._timeout = float(option("timeout", DEFAULT_TIMEOUT))
        self._headers = {"User-Agent": "Datadog Agent/%s" % datadog_agent.get_version()}
        self._headers.update({str(key): str(value) for key, value in (option("headers") or {}).items()})
        self._headers.update({str(key): str(value) for key, value in (option("extra_headers") or {}).items()})
        self._auth = (option("username"), option("password") or "") if option("username") else None
        self._verify = is_affirmative(option("tls_verify", True))
        self._ca = option("tls_ca_cert")
        self._certificate = option("tls_cert")
        self._key = option("tls_private_key")
        self._redirects = is_affirmative(option("allow_redirects", True))
        skip = is_affirmative(option("skip_proxy", False))
        self._proxies = {} if skip else (option("proxy") or datadog_agent.get_config("proxy"))

    def _context(self, verify):
        if verify is None:
            verify = self._verify
        authority = verify if isinstance(verify, str) else self._ca
        context = ssl.create_default_context(cafile=authority)
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self._certificate:
            context.load_cert_chain(self._certificate, self._key)
        return context

    def request(
        self,
        method,
        url,
        params=None,
        headers=None,
        data=None,
        json=None,
        timeout=None,
        auth=None,
        verify=None,
        allow_redirects=None,
        extra_headers=None,
        **_,
    ):
        """Makes a request and returns the answer, whatever its status."""
        if params:
            url += ("&" if "?" in url else "?") + urllib.parse.urlencode(params, doseq=True)
        sent = dict(self._headers if headers is None else headers)
        sent.update(extra_headers or {})
        if json is not None:
            data = json_module.dumps(json)
            sent.setdefault("Content-Type", "application/json")
        elif isinstance(data, dict):
            data = urllib.parse.urlencode(data, doseq=True)
        auth = auth or self._auth
        if auth:
            pair = ("%s:%s" % tuple(auth)).encode("utf-8")
            sent.setdefault("Authorization", "Basic " + base64.b64encode(pair).decode("ascii"))
        body = data.encode("utf-8") if isinstance(data, str) else data
        request = urllib.request.Request(url, data=body, headers=sent, method=method.upper())
        follow = self._redirects if allow_redirects is None else allow_redirects
        handlers = [urllib.request.HTTPSHandler(context=self._context(verify)), _KeepStatus(follow)]
        if self._proxies is not None:
            proxies = {
                scheme: url for scheme, url in dict(self._proxies).items() if scheme in ("http", "https") and url
            }
            handlers.append(urllib.request.ProxyHandler(proxies))
        opener = urllib.request.build_opener(*handlers)
        seconds = self._timeout if timeout is None else (max(timeout) if isinstance(timeout, tuple) else timeout)
        with opener.open(request, timeout=seconds) as answer:
            content = answer.read(MAX_ANSWER_BYTES + 1)
            if len(content) > MAX_ANSWER_BYTES:
                raise ValueError("answer of %s is longer than %d bytes" % (url, MAX_ANSWER_BYTES))
            return Response(answer.geturl(), answer.status, answer.reason, answer.headers, content)

    def get(self, url, **options):
        """Makes a GET request."""
        return self.request("GET", url, **options)

    def head(self, url, **options):
        """Makes a HEAD request."""
        return self.request("HEAD", url, **options)

    def post(self, url, **options):
        """Makes a POST request."""
        return self.request("POST", url, **options)

    def put(self, url, **options):
        """Makes a PUT request."""
        return self.request("PUT", url, **options)

    def patch(self, url, **options):
        """Makes a PATCH request."""
        return self.request("PATCH", url, **options)

    def delete(self, url, **options):
        """Makes a DELETE request."""
        return self.request("DELETE", url, **options)
