//! The first start on an empty database: one organisation, three roles, an admin, an API key, an application key.

use sqlx::AnyConnection;
use uuid::Uuid;

use crate::Result;
use crate::access::users::Access;
use crate::audit::{self, Actor};
use crate::catalog::{Config, FirstSecret, FirstStart};
use crate::database::Database;
use crate::secrets::{API_KEY_CHARS, APP_KEY_CHARS, SecretHash, hash_password, last4, random_hex, readable_password};

/// Number of the first organisation.
pub(crate) const FIRST_ORG: i64 = 1;
/// Login name of the first admin.
const ADMIN_HANDLE: &str = "admin";
/// E-mail address of the first admin.
const ADMIN_EMAIL: &str = "admin@localhost";
const ROLES: [(Access, &str); 3] = [
    (Access::ReadOnly, "Datadog Read Only Role"),
    (Access::Standard, "Datadog Standard Role"),
    (Access::Admin, "Datadog Admin Role"),
];

/// Fills an empty database; `None` when it is not empty.
pub(crate) async fn fill(database: &Database, config: &Config, now_ms: i64) -> Result<Option<FirstStart>> {
    let known: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM organisations").fetch_one(database.reader()).await?;
    if known > 0 {
        return Ok(None);
    }
    let first = FirstStart {
        admin_handle: ADMIN_HANDLE.to_owned(),
        admin_password: FirstSecret::given_or(&config.admin_password, readable_password),
        api_key: FirstSecret::given_or(&config.api_key, || random_hex(API_KEY_CHARS)),
        app_key: FirstSecret::given_or(&config.app_key, || random_hex(APP_KEY_CHARS)),
    };
    let password_hash = hash_password(&first.admin_password.value).await?;
    let mut write = database.write().await?;
    let now = now_ms.div_euclid(1000);
    let made = sqlx::query(
        "INSERT INTO organisations (id, public_id, name, created_at) VALUES ($1, $2, 'Galgo', $3) ON CONFLICT DO NOTHING",
    );
    let made = made.bind(FIRST_ORG).bind(Uuid::new_v4().to_string()).bind(now).execute(write.connection()).await?;
    if made.rows_affected() == 0 {
        // Another node was faster; its operator has the secrets.
        return Ok(None);
    }
    let admin = insert_admin(write.connection(), &password_hash, now).await?;
    for (table, secret, owner) in [
        (
            "INSERT INTO api_keys (id, org_id, name, hash, last4, owner_id, created_at, modified_at) \
          VALUES ($1, $2, 'first start', $3, $4, $5, $6, $6)",
            &first.api_key,
            "",
        ),
        (
            "INSERT INTO app_keys (id, org_id, name, hash, last4, owner_id, created_at, modified_at) \
          VALUES ($1, $2, 'first start', $3, $4, $5, $6, $6)",
            &first.app_key,
            admin.as_str(),
        ),
    ] {
        sqlx::query(table)
            .bind(Uuid::new_v4().to_string())
            .bind(FIRST_ORG)
            .bind(SecretHash::of(&secret.value).to_hex())
            .bind(last4(&secret.value))
            .bind(owner)
            .bind(now)
            .execute(write.connection())
            .await?;
    }
    let details = serde_json::json!({ "admin": ADMIN_HANDLE });
    audit::append(write.connection(), now_ms, &Actor::system(), "created", "organisation", "1", &details).await?;
    write.commit().await?;
    Ok(Some(first))
}

async fn insert_admin(connection: &mut AnyConnection, password_hash: &str, now: i64) -> Result<String> {
    let id = Uuid::new_v4().to_string();
    sqlx::query(
        "INSERT INTO users (id, org_id, handle, email, name, title, password_hash, created_at, modified_at) \
         VALUES ($1, $2, $3, $4, 'Admin', '', $5, $6, $6)",
    )
    .bind(&id)
    .bind(FIRST_ORG)
    .bind(ADMIN_HANDLE)
    .bind(ADMIN_EMAIL)
    .bind(password_hash)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    for (access, name) in ROLES {
        let role = Uuid::new_v4().to_string();
        sqlx::query("INSERT INTO roles (id, org_id, name, access) VALUES ($1, $2, $3, $4)")
            .bind(&role)
            .bind(FIRST_ORG)
            .bind(name)
            .bind(access.code())
            .execute(&mut *connection)
            .await?;
        if access == Access::Admin {
            sqlx::query("INSERT INTO user_roles (user_id, role_id) VALUES ($1, $2)")
                .bind(&id)
                .bind(&role)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(id)
}
