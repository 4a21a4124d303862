"""What the counter counts: how often somebody on duty has looked somebody up, or had a code sent."""

from django.db import models

from .people import Person


class DeskTally(models.Model):
    """How often one person on duty did one kind of thing in one hour; see `accounts.desk.limits`."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    what = models.CharField(max_length=16)  # `desk.limits.Counted`
    hour = models.DateTimeField()  # its first moment
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "what", "hour"], name="one_tally_per_hour")]
