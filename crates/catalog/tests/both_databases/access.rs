//! First start, keys, users, sessions, audit trail.

use galgo_catalog::{Access, AuditQuery, CatalogError, Config, LoginError, NewUser, UserChange};

use crate::place::{START, on_both, somebody};

fn new_user(email: &str, access: Access) -> NewUser {
    NewUser {
        email: email.into(),
        handle: String::new(),
        name: "Ann".into(),
        title: String::new(),
        access,
        password: Some("long enough".into()),
    }
}

#[tokio::test]
async fn the_first_start_happens_once() {
    on_both(async |place| {
        let (catalog, first) = place.open_with(&place.config()).await;
        let first = first.unwrap();
        assert_eq!((first.api_key.value.len(), first.app_key.value.len()), (32, 40));
        assert!(!first.api_key.given && !format!("{first:?}").contains(&first.api_key.value));
        let admin = catalog.user_by_login("ADMIN@localhost").unwrap();
        assert_eq!((admin.handle.as_str(), admin.access), ("admin", Access::Admin));
        assert_eq!(catalog.app_key(&first.app_key.value).unwrap().owner, admin);
        assert!(catalog.api_key(&first.api_key.value).is_some());
        assert!(catalog.api_key(&first.app_key.value).is_none());
        assert!(catalog.api_key("").is_none() && catalog.api_key(&"x".repeat(10_000)).is_none());
        catalog.login("admin", &first.admin_password.value, "").await.unwrap();
        catalog.close().await.unwrap();

        let (again, none) = place.open_with(&place.config()).await;
        assert!(none.is_none());
        assert!(again.api_key(&first.api_key.value).is_some() && again.app_key(&first.app_key.value).is_some());
        assert_eq!(again.organisation(), catalog.organisation());
        assert_eq!(again.roles().iter().map(|role| role.user_count).collect::<Vec<_>>(), [0, 0, 1]);
    })
    .await;
}

#[tokio::test]
async fn configured_secrets_work_at_first_and_later() {
    on_both(async |place| {
        let given = |api: &str, app: &str, password: &str| Config {
            api_key: Some(api.into()),
            app_key: Some(app.into()),
            admin_password: Some(password.into()),
            ..place.config()
        };
        let (catalog, first) = place.open_with(&given("a1", "p1", "first")).await;
        assert!(first.unwrap().admin_password.given);
        assert!(catalog.api_key("a1").is_some() && catalog.app_key("p1").is_some());
        assert_eq!(catalog.list_api_keys().await.unwrap().len(), 1);
        catalog.login("admin", "first", "").await.unwrap();
        catalog.close().await.unwrap();

        let (catalog, first) = place.open_with(&given("a2", "p2", "second")).await;
        assert!(first.is_none());
        for key in ["a1", "a2"] {
            assert!(catalog.api_key(key).is_some(), "{key}");
        }
        assert_eq!(catalog.app_key("p2").unwrap().owner.handle, "admin");
        catalog.login("admin", "second", "").await.unwrap();
        assert!(matches!(catalog.login("admin", "first", "").await, Err(LoginError::WrongCredentials)));
        let configured = catalog.list_api_keys().await.unwrap().into_iter().find(|key| key.from_configuration).unwrap();
        let refused = catalog.revoke_api_key(&somebody(), &configured.id).await;
        assert!(matches!(refused, Err(CatalogError::Conflict(_))));
        catalog.close().await.unwrap();

        let catalog = place.open().await;
        assert!(catalog.api_key("a1").is_some() && catalog.api_key("a2").is_none());
        let clock = place.clock.clone();
        assert!(galgo_catalog::Catalog::open(&given("", "p", "x"), clock.clone()).await.is_err());
        assert!(galgo_catalog::Catalog::open(&given("a b", "p", "x"), clock).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn keys_are_made_renamed_and_revoked_at_once() {
    on_both(async |place| {
        let catalog = place.open().await;
        let admin = catalog.user_by_login("admin").unwrap();
        let key = catalog.create_api_key(&somebody(), " ci ").await.unwrap();
        assert_eq!((key.info.name.as_str(), key.secret.len()), ("ci", 32));
        assert_eq!(key.info.last4, key.secret[28..]);
        assert_eq!(catalog.api_key(&key.secret).unwrap().key_id.as_ref(), key.info.id);
        assert_eq!(catalog.rename_api_key(&somebody(), &key.info.id, "cd").await.unwrap().name, "cd");
        catalog.revoke_api_key(&somebody(), &key.info.id).await.unwrap();
        assert!(catalog.api_key(&key.secret).is_none());
        let gone = catalog.revoke_api_key(&somebody(), &key.info.id).await;
        assert!(matches!(gone, Err(CatalogError::NotFound { what: "api key", .. })));

        let app = catalog.create_app_key(&somebody(), &admin.id, "script").await.unwrap();
        assert_eq!(catalog.app_key(&app.secret).unwrap().owner.id, admin.id);
        assert_eq!(catalog.list_app_keys(Some(&admin.id)).await.unwrap().len(), 2);
        assert_eq!(catalog.list_app_keys(Some("nobody")).await.unwrap().len(), 0);
        catalog.revoke_app_key(&somebody(), &app.info.id).await.unwrap();
        assert!(catalog.app_key(&app.secret).is_none());
        for name in ["", "a\nb", &"x".repeat(300)] {
            assert!(matches!(catalog.create_api_key(&somebody(), name).await, Err(CatalogError::Invalid(_))));
        }
        assert!(matches!(
            catalog.create_app_key(&somebody(), "nobody", "x").await,
            Err(CatalogError::NotFound { what: "user", .. })
        ));
    })
    .await;
}

#[tokio::test]
async fn users_have_roles_and_an_admin_always_remains() {
    on_both(async |place| {
        let catalog = place.open().await;
        let admin = catalog.user_by_login("admin").unwrap();
        let ann = catalog.create_user(&somebody(), new_user("Ann@Example.org", Access::Standard)).await.unwrap();
        assert_eq!((ann.handle.as_str(), ann.email.as_str()), ("ann@example.org", "ann@example.org"));
        for email in ["ann@example.org", "ADMIN@localhost"] {
            let twice = catalog.create_user(&somebody(), new_user(email, Access::Standard)).await;
            assert!(matches!(twice, Err(CatalogError::Conflict(_))), "{email}");
        }
        for email in ["", "x", "@", "a b@c"] {
            let wrong = catalog.create_user(&somebody(), new_user(email, Access::Standard)).await;
            assert!(matches!(wrong, Err(CatalogError::Invalid(_))), "{email}");
        }
        let key = catalog.create_app_key(&somebody(), &ann.id, "k").await.unwrap();
        let session = catalog.login("ann@example.org", "long enough", "").await.unwrap();
        let disable = UserChange { disabled: Some(true), ..UserChange::default() };
        for lone in [disable.clone(), UserChange { access: Some(Access::ReadOnly), ..UserChange::default() }] {
            let refused = catalog.update_user(&somebody(), &admin.id, lone).await;
            assert!(matches!(refused, Err(CatalogError::Conflict(_))));
        }
        let promote = UserChange { access: Some(Access::Admin), title: Some("SRE".into()), ..UserChange::default() };
        let ann = catalog.update_user(&somebody(), &ann.id, promote).await.unwrap();
        assert_eq!((ann.access, ann.title.as_str(), ann.role_ids.len()), (Access::Admin, "SRE", 1));
        catalog.update_user(&somebody(), &admin.id, disable.clone()).await.unwrap();
        let enable = UserChange { disabled: Some(false), ..UserChange::default() };
        catalog.update_user(&somebody(), &admin.id, enable).await.unwrap();
        catalog.update_user(&somebody(), &ann.id, disable).await.unwrap();
        assert!(catalog.app_key(&key.secret).is_none() && catalog.session(&session.token).is_none());
        let refused = catalog.login("ann@example.org", "long enough", "").await;
        assert!(matches!(refused, Err(LoginError::WrongCredentials)));
    })
    .await;
}

#[tokio::test]
async fn sessions_slide_end_and_survive_a_restart() {
    on_both(async |place| {
        let config = Config { admin_password: Some("pass".into()), ..place.config() };
        let (catalog, _) = place.open_with(&config).await;
        let session = catalog.login("admin", "pass", "10.0.0.1").await.unwrap();
        assert_eq!(session.expires_at, START + 30 * 86_400);
        assert_eq!(catalog.user_by_login("admin").unwrap().last_login_at, Some(START));
        assert!(catalog.session("x").is_none() && catalog.session(&"0".repeat(64)).is_none());
        for _ in 0..4 {
            place.advance(6 * 86_400);
            assert!(catalog.session(&session.token).is_some());
        }
        catalog.close().await.unwrap();
        let catalog = place.open().await;
        assert_eq!(catalog.session(&session.token).unwrap().expires_at, START + 30 * 86_400);
        place.advance(6 * 86_400);
        assert!(catalog.session(&session.token).is_none(), "30 days are the most");

        let session = catalog.login("admin", "pass", "").await.unwrap();
        place.advance(8 * 86_400);
        assert!(catalog.session(&session.token).is_none(), "idle for 7 days");

        let session = catalog.login("admin", "pass", "").await.unwrap();
        let other = catalog.login("admin", "pass", "").await.unwrap();
        catalog.logout(&session.token).await.unwrap();
        assert!(catalog.session(&session.token).is_none() && catalog.session(&other.token).is_some());
        catalog.set_password(&somebody(), &other.user.id, "new password").await.unwrap();
        assert!(catalog.session(&other.token).is_none(), "a new password ends all sessions");
        assert!(catalog.set_password(&somebody(), &other.user.id, "short").await.is_err());
        catalog.login("admin@localhost", "new password", "").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn failed_logins_cost_time() {
    on_both(async |place| {
        let config = Config { admin_password: Some("pass".into()), ..place.config() };
        let (catalog, _) = place.open_with(&config).await;
        for login in ["admin", "nobody"] {
            for _ in 0..5 {
                assert!(matches!(catalog.login(login, "wrong", "").await, Err(LoginError::WrongCredentials)));
            }
            let locked = catalog.login(login, "pass", "").await;
            assert!(
                matches!(locked, Err(LoginError::LockedOut { retry_after }) if retry_after.as_secs() == 5),
                "{login}"
            );
        }
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let catalog = catalog.clone();
            tasks.spawn(async move { catalog.login("ghost", "guess", "").await.err() });
        }
        let outcomes = tasks.join_all().await;
        let tried = outcomes.iter().filter(|error| matches!(error, Some(LoginError::WrongCredentials))).count();
        assert_eq!(tried, 5, "many at once are counted as well");
        place.advance(5);
        catalog.login("admin", "pass", "").await.unwrap();
        assert!(matches!(catalog.login("admin", "wrong", "").await, Err(LoginError::WrongCredentials)), "counted anew");
    })
    .await;
}

#[tokio::test]
async fn the_trail_tells_who_did_what() {
    on_both(async |place| {
        let catalog = place.open().await;
        let key = catalog.create_api_key(&somebody(), "ci").await.unwrap();
        place.advance(60);
        catalog.audit(&somebody(), "modified", "thing", "7\0", serde_json::json!({"a": [1, "é"]})).await.unwrap();
        let all = catalog.audit_entries(&AuditQuery::default()).await.unwrap();
        let what: Vec<_> = all.iter().map(|entry| (entry.action.as_str(), entry.resource.as_str())).collect();
        assert_eq!(what, [("modified", "thing"), ("created", "api_key"), ("created", "organisation")]);
        assert_eq!((all[0].actor.clone(), all[0].resource_id.as_str()), (somebody(), "7"));
        assert_eq!(all[0].details, serde_json::json!({"a": [1, "é"]}));
        assert_eq!(all[1].resource_id, key.info.id);
        assert!(!format!("{all:?}").contains(&key.secret));
        let newer = AuditQuery { from_ms: Some((START + 60) * 1000), ..AuditQuery::default() };
        assert_eq!(catalog.audit_entries(&newer).await.unwrap().len(), 1);
        let page = AuditQuery { before_id: Some(all[0].id), limit: 1, ..AuditQuery::default() };
        assert_eq!(catalog.audit_entries(&page).await.unwrap()[0].id, all[1].id);
    })
    .await;
}
