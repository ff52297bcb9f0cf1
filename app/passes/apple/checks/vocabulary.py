"""The words Wallet knows, up to iOS 27: keys of pass.json and of a field, formats, image sizes.

Data only, so that a new iOS is a change here and nowhere else. Source: Apple's pass builder
(github.com/apple/pass-builder) and the Wallet Passes documentation.
"""

from collections.abc import Mapping


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CLASSIC_STYLES = _words("boardingPass coupon eventTicket generic storeCard")
# A style that iOS before 27 cannot show.
POSTER_STYLE = "posterGeneric"
STYLES = (*CLASSIC_STYLES, POSTER_STYLE)

REQUIRED = _words("""
    formatVersion passTypeIdentifier serialNumber teamIdentifier organizationName description
""")
COLOURS = _words("backgroundColor foregroundColor labelColor footerBackgroundColor")
_TEXTS = _words("""
    accessibilityURL addOnURL appLaunchURL authenticationToken bagPolicyURL changeSeatURL
    contactVenueEmail contactVenuePhoneNumber contactVenueWebsite description
    directionsInformationURL entertainmentURL eventLogoText expirationDate
    groupingIdentifier logoSymbolName logoText managementURL merchandiseURL orderFoodURL
    organizationName parkingInformationURL passTypeIdentifier purchaseAdditionalBaggageURL
    purchaseLoungeAccessURL purchaseParkingURL purchaseWifiURL registerServiceAnimalURL
    relevantDate reportLostBagURL requestWheelchairURL sellURL serialNumber teamIdentifier
    trackBagsURL transferURL transitInformationURL transitProviderEmail
    transitProviderPhoneNumber transitProviderWebsiteURL upgradeURL webServiceURL
""")
_SWITCHES = _words("""
    sharingProhibited suppressHeaderDarkening suppressStripShine useAutomaticColors voided
""")
_LISTS = _words("""
    associatedStoreIdentifiers auxiliaryStoreIdentifiers barcodes beacons featuredActions
    locations preferredStyleSchemes relevantDates upcomingPassInformation
""")
_OBJECTS = (*STYLES, *_words("barcode nfc semantics userInfo"))

# A key of pass.json, the kind of its value and the words for that kind.
KINDS: Mapping[str, tuple[type, str]] = {
    **dict.fromkeys((*_TEXTS, *COLOURS), (str, "text")),
    **dict.fromkeys(_SWITCHES, (bool, "true or false")),
    **dict.fromkeys(_LISTS, (list, "an array")),
    **dict.fromkeys(_OBJECTS, (dict, "an object")),
    "formatVersion": (int, "the number 1"),
    "maxDistance": (float, "a number"),
}

# Keys of a style beside its fields.
STYLE_KEYS = _words("transitType")
FIELD_GROUPS = _words("""
    headerFields primaryFields secondaryFields auxiliaryFields footerFields backFields
    additionalInfoFields
""")
FIELD_KEYS = _words("""
    attributedValue changeMessage currencyCode dataDetectorTypes dateStyle ignoresTimeZone
    isRelative key label numberStyle row semantics textAlignment timeStyle value
""")
DATE_STYLES = _words("""
    PKDateStyleNone PKDateStyleShort PKDateStyleMedium PKDateStyleLong PKDateStyleFull
""")
# The values that a key of a field may have, where they are few.
FIELD_VALUES: Mapping[str, tuple[str, ...]] = {
    "dateStyle": DATE_STYLES,
    "timeStyle": DATE_STYLES,
    "textAlignment": _words("""
        PKTextAlignmentLeft PKTextAlignmentCenter PKTextAlignmentRight PKTextAlignmentNatural
    """),
    "numberStyle": _words("""
        PKNumberStyleDecimal PKNumberStylePercent PKNumberStyleScientific PKNumberStyleSpellOut
    """),
}

BARCODE_FORMATS = _words("""
    PKBarcodeFormatQR PKBarcodeFormatPDF417 PKBarcodeFormatAztec PKBarcodeFormatCode128
""")
NEW_BARCODE_FORMATS = _words("""
    PKBarcodeFormatEAN13 PKBarcodeFormatCode39 PKBarcodeFormatCodabar PKBarcodeFormatI2of5
""")

# Width and height in points; a picture named @2x or @3x has so many pixels a point.
IMAGE_POINTS: Mapping[str, tuple[int, int]] = {
    "icon": (38, 38),
    "logo": (160, 50),
    "thumbnail": (90, 90),
    "strip": (375, 144),
    "background": (345, 505),
    "artwork": (358, 448),
    "primaryLogo": (126, 30),
    "secondaryLogo": (135, 12),
    "footer": (286, 15),
}
