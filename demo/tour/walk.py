"""The order of the chapters: one teacher's card, and everybody who gets to see it."""

from demo.story import Story
from demo.tour import (
    apple_wallet,
    box_office,
    forger,
    google_wallet,
    live_card,
    lost_phone,
    mailbox,
    office,
    paper,
    personnel_file,
    phone_camera,
    scanner_gun,
    teacher,
    webshop,
    without_network,
)
from demo.tour.stage import OK_LIVE, on_stage, strip
from demo.world import World


def walk(world: World, story: Story) -> None:
    """The whole main job in one world."""
    stage = on_stage(world, story)
    annelies = teacher.log_in(stage, "permanent", sees="Klaar voor jou")
    teacher.get_card(stage, annelies, sees="Geldig")
    phone_camera.chapter(stage, annelies)
    live_card.chapter(stage, annelies)
    phones = apple_wallet.chapter(stage, annelies)
    phone_camera.becomes_a_till(stage, phones.code)
    google_wallet.chapter(stage, annelies)
    printed = paper.chapter(stage)
    scanner_gun.chapter(stage, printed)
    box_office.chapter(stage, phones.code)
    webshop.chapter(stage, annelies)
    forger.chapter(stage, annelies)
    post = mailbox.MailTour(world, story)
    post.subscribe(annelies)
    lost_phone.chapter(stage, annelies, phones)
    post.arrives("Je Lerarenkaart is vervangen", file="mail/replaced.eml")
    without_network.chapter(stage, lost=printed)
    personnel_file.chapter(stage)
    office.OfficeTour(stage).walk(annelies)
    teacher.log_out(stage, annelies)
    teacher.others(stage)
    personnel_file.silence(stage)


def summer(world: World, story: Story) -> None:
    """On a day in July: the bridge between two assignments."""
    stage = on_stage(world, story)
    jonas = teacher.log_in(stage, "summer", sees="Klaar voor jou")
    teacher.get_card(stage, jonas, sees="Geldig tijdens de zomer")
    stage.scan(
        "the museum scans it in July", stage.museum, strip(jonas), OK_LIVE | {"holder": "JM"}
    )
