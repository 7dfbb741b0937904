//! What the first start prints, once: the secrets, which are stored nowhere in clear, and what to try next.

use galgo_catalog::{FirstSecret, FirstStart};

/// The text of the first start.
pub fn first_start(first: &FirstStart, url: &str, dogstatsd: &str) -> String {
    let shown = |secret: &FirstSecret, variable: &str| {
        if secret.given { format!("(as given in {variable})") } else { secret.value.clone() }
    };
    let api_key = shown(&first.api_key, "GALGO_API_KEY");
    let app_key = shown(&first.app_key, "GALGO_APP_KEY");
    let password = shown(&first.admin_password, "GALGO_ADMIN_PASSWORD");
    let in_shell = |secret: &FirstSecret, variable: &str| {
        if secret.given { format!("${variable}") } else { secret.value.clone() }
    };
    let (host, port) = match dogstatsd.rsplit_once(':') {
        // All interfaces; a command needs one.
        Some(("" | "0.0.0.0" | "[::]", port)) => ("127.0.0.1", port),
        Some(place) => place,
        None => ("127.0.0.1", "8125"),
    };
    let statsd = if dogstatsd.is_empty() {
        String::new()
    } else {
        format!("\n  echo -n 'try.me:1|c' >/dev/udp/{host}/{port}\n      counts over DogStatsD (bash)\n")
    };
    format!(
        "\n\
        Galgo's first start. Keep these, they are shown only now:\n\
        \n\
        \x20 page              {url}\n\
        \x20 user              {user}\n\
        \x20 password          {password}\n\
        \x20 API key           {api_key}\n\
        \x20 application key   {app_key}\n\
        \n\
        Three things to try:\n\
        \n\
        \x20 galgo query 'avg:system.load.1{{*}} by {{host}}' --from -15m --url {url} \\\n\
        \x20     --api-key {api} --app-key {app}\n\
        \x20     asks for this machine's load\n\
        \n\
        \x20 curl -X POST {url}/api/v1/series -H \"DD-API-KEY: {api}\" -H 'Content-Type: application/json' \\\n\
        \x20     -d '{{\"series\":[{{\"metric\":\"try.me\",\"points\":[['$(date +%s)',1]]}}]}}'\n\
        \x20     sends a point\n\
        {statsd}\n",
        user = first.admin_handle,
        api = in_shell(&first.api_key, "GALGO_API_KEY"),
        app = in_shell(&first.app_key, "GALGO_APP_KEY"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_secrets_are_not_repeated() {
        let secret = |value: &str, given| FirstSecret { value: value.into(), given };
        let first = FirstStart {
            admin_handle: "admin".into(),
            admin_password: secret("made-password", false),
            api_key: secret("given-key", true),
            app_key: secret("made-app-key", false),
        };
        let text = first_start(&first, "http://127.0.0.1:8080", "127.0.0.1:8125");
        assert!(text.contains("made-password") && text.contains("made-app-key"));
        assert!(!text.contains("given-key") && text.contains("GALGO_API_KEY"));
        // In single quotes a shell would not put the variable's value there.
        assert!(text.contains("\"DD-API-KEY: $GALGO_API_KEY\""));
    }
}
