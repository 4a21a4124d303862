"""Why an address cannot take a message (design.md 1.1.4). Each says what to do; none says who exists (V-098)."""

from guards.errors import KepError


class AddressCannotReceive(KepError):
    """Root of these refusals; the one address it is about is `address`."""

    status = 422


class UnknownHere(AddressCannotReceive):
    """Ours by domain, and unknown, closed or not yet activated: one text for all three (K-071, K-027)."""

    code = "ALC-04"
    user_message = "Bu adrese gönderim yapılamıyor. Yazımı denetleyin ya da rehberden seçin. İleti taslakta duruyor."


class NotKep(AddressCannotReceive):
    """Outside the closed circuit, or malformed (K-004, K-087, V-073)."""

    code = "ALC-05"
    user_message = (
        "Bu bir KEP adresi değil. KEP’ten yalnızca KEP adreslerine gönderilir (ad.soyad@hs01.kep.tr gibi). "
        "İleti taslakta duruyor."
    )


class WrittenTwice(AddressCannotReceive):
    """The same address stands earlier in To or Cc."""

    code = "ALC-06"
    user_message = "Bu adres alıcılar arasında zaten var. Fazla olanı çıkarın. İleti taslakta duruyor."


class NoSuchProvider(AddressCannotReceive):
    """A KEP address by form, of a provider that is not on the list (R-042, I-024)."""

    code = "ALC-07"
    user_message = (
        "“{provider}” tanınan bir KEP hizmet sağlayıcısı değil. Adresin yazımını denetleyin. İleti taslakta duruyor."
    )


class ProviderNotOpen(AddressCannotReceive):
    """A known provider, to which nothing is relayed yet."""

    code = "ALC-08"
    user_message = "Bu sağlayıcıya ({provider}) gönderim henüz açık değil. İleti taslakta duruyor."
