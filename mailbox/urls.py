"""Addresses of the mailbox (design.md 3)."""

from django.urls import path

from .views import closed, compose, downloads, folders, read, sign

app_name = "mailbox"
urlpatterns = [
    path("gelen/", folders.inbox, name="inbox"),
    path("giden/", folders.sent, name="sent"),
    path("taslaklar/", folders.drafts, name="drafts"),
    path("imza-bekleyenler/", folders.awaiting, name="awaiting"),
    path("yaz/", compose.start, name="compose_new"),
    path("yaz/<str:public_id>/", compose.edit, name="compose"),
    path("yaz/<str:public_id>/kaydet/", compose.autosave, name="draft_save"),
    path("yaz/<str:public_id>/ek/<str:attachment_id>/cikar/", compose.detach, name="attachment_remove"),
    path("yaz/<str:public_id>/sil/", compose.discard, name="draft_discard"),
    path("yaz/<str:public_id>/imza/", sign.sign, name="sign"),
    path("yaz/<str:public_id>/imza/durum/", sign.state, name="sign_state"),
    path("yaz/<str:public_id>/imza/iptal/", sign.cancel, name="sign_cancel"),
    path("yaz/<str:public_id>/imza/uzat/", sign.extend, name="sign_extend"),
    path("ileti/<str:public_id>/", read.message, name="message"),
    path("ileti/<str:public_id>/ac/", read.open_item, name="open"),
    path("ileti/<str:public_id>/geri-al/", read.withdraw, name="withdraw"),
    path("ileti/<str:public_id>/ileti.eml", downloads.message, name="download_message"),
    path("ileti/<str:public_id>/orijinal.eml", downloads.original, name="download_original"),
    path("ileti/<str:public_id>/delil/<int:code>-<int:recipient_no>.xml", downloads.proof, name="download_proof"),
    path("ileti/<str:public_id>/delil-paketi/", downloads.bundle, name="download_bundle"),
    path("ileti/<str:public_id>/ek/<int:number>/", downloads.attachment, name="attachment"),
    path("kapali-hesap/", closed.accounts, name="closed_accounts"),
    path("kapali-hesap/<str:account>/", closed.account, name="closed_account"),
    path("kapali-hesap/<str:account>/<str:public_id>/", closed.item, name="closed_item"),
    path(
        "kapali-hesap/<str:account>/<str:public_id>/delil/<int:code>-<int:recipient_no>.xml",
        closed.proof,
        name="closed_proof",
    ),
    path("kapali-hesap/<str:account>/<str:public_id>/delil-paketi/", closed.bundle, name="closed_bundle"),
]
