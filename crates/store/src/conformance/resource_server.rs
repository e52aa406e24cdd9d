//! Resource servers are kept with the hash of their credential, one a name.

use relatch_core::{
    resource_server::{CredentialHash, ResourceServer, ResourceServerName},
    store::Changed,
    user::UserId,
};
use serde_json::json;

use super::{
    Factory,
    scene::{START, Scene, administrator},
};

fn name(text: &str) -> ResourceServerName {
    ResourceServerName::parse(text).expect("a name")
}

async fn add(scene: &Scene, text: &str, byte: u8) -> Changed<()> {
    let (name, by) = (name(text), administrator(START));
    let added = scene
        .store
        .add_resource_server(name, CredentialHash([byte; 32]), by);
    added.await.expect("answers")
}

async fn all(scene: &Scene) -> Vec<ResourceServer> {
    scene.store.load_resource_servers().await.expect("loads")
}

/// By name, with every field.
pub async fn resource_servers_come_back(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    assert_eq!(all(&scene).await, []);
    assert_eq!(add(&scene, "notes", 2).await, Changed::Done(()));
    assert_eq!(add(&scene, "billing", 1).await, Changed::Done(()));
    let kept = [("billing", 1), ("notes", 2)].map(|(text, byte)| ResourceServer {
        name: name(text),
        hash: CredentialHash([byte; 32]),
        created_at: START,
    });
    assert_eq!(all(&scene).await, kept);
}

/// The first one keeps it, and its credential.
pub async fn a_resource_servers_name_is_taken_once(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    add(&scene, "notes", 1).await;
    let before = scene.dump().await;
    assert_eq!(add(&scene, "notes", 2).await, Changed::Conflict);
    assert_eq!(scene.dump().await.1, before.1);
}

/// Its name is free then.
pub async fn a_removed_resource_server_is_gone(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let remove = async |text| {
        let removed = scene
            .store
            .remove_resource_server(name(text), administrator(START));
        removed.await.expect("answers")
    };
    add(&scene, "notes", 1).await;
    assert_eq!(remove("billing").await, Changed::NotFound);
    assert_eq!(remove("notes").await, Changed::Done(()));
    assert_eq!(remove("notes").await, Changed::NotFound);
    assert_eq!(all(&scene).await, []);
    assert_eq!(add(&scene, "notes", 1).await, Changed::Done(()));
}

/// Who did and which it was; of nobody's account.
pub async fn resource_servers_are_on_record(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    add(&scene, "notes", 1).await;
    let removed = scene
        .store
        .remove_resource_server(name("notes"), administrator(START));
    removed.await.expect("answers");
    let events = scene.events(UserId(uuid::Uuid::nil())).await;
    let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["resource_server.removed", "resource_server.added"]);
    let detail = json!({ "resource_server": "notes", "by": "command_line" });
    for event in events {
        assert_eq!(event.detail.as_ref(), Some(&detail));
    }
}
