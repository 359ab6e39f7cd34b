//! The API's description for programs, made from the routes' own signatures.

use axum::Json;
use utoipa::OpenApi;

use super::{
    access, alarms, channels, evidence, examples, handheld_admin, health, incidents, inputs, live,
    models, pictures, privacy, relays, routes, snapshot, stream, tls, views, walk, zones,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Standclear",
        description = "Camera to siren in under two seconds: what the box sees, says and remembers. \
            A supplementary warning system, not electro-sensitive protective equipment."
    ),
    paths(
        routes::state,
        stream::stream,
        live::live,
        routes::acknowledge,
        alarms::silence_all,
        alarms::test_siren,
        alarms::silence,
        alarms::reset,
        alarms::shelve,
        alarms::shelved,
        alarms::unshelve,
        alarms::kpi::kpi,
        alarms::take_out,
        alarms::put_back,
        alarms::view::confirm,
        views::view,
        views::reference,
        views::trouble,
        inputs::set,
        zones::zones,
        zones::put_draft,
        zones::delete_draft,
        zones::check,
        zones::propose,
        zones::versions,
        zones::version,
        zones::approve,
        zones::refuse,
        zones::restore,
        zones::differences,
        zones::picture,
        walk::start,
        walk::tests,
        walk::test,
        walk::skip,
        walk::finish,
        walk::abandon,
        walk::report_page,
        walk::heat,
        handheld_admin::handhelds,
        handheld_admin::begin_pairing,
        handheld_admin::revoke,
        handheld_admin::duty,
        handheld_admin::put_duty,
        incidents::list::incidents,
        incidents::judge,
        incidents::export::export,
        privacy::privacy,
        privacy::see_clear,
        privacy::end_clear,
        snapshot::snapshot,
        routes::history,
        pictures::pictures,
        relays::list,
        evidence::state,
        evidence::of_incident,
        evidence::clip,
        evidence::track,
        evidence::pin,
        evidence::unpin,
        channels::list,
        channels::test,
        document,
        health::health,
        access::session::session,
        access::session::set_up,
        access::session::sign_in,
        access::session::sign_out,
        access::session::change_password,
        access::people::users,
        access::people::add_user,
        access::people::change_user,
        access::people::tokens,
        access::people::add_token,
        access::people::remove_token,
        access::trail::audit,
        tls::authority_download,
    )
)]
struct Description;

/// This document.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = Object))
)]
pub(super) async fn document() -> Json<utoipa::openapi::OpenApi> {
    let mut document = Description::openapi();
    document.merge(models::Description::openapi());
    document.merge(examples::Description::openapi());
    Json(document)
}
