"""How often a door that stands open to everybody was used from one network in one hour (V-026, V-097)."""

from django.db import models


class DoorTally(models.Model):
    """One hour of one door and one network, which is named by a keyed hash; old rows mean nothing and are swept."""

    door = models.CharField(max_length=24)
    network_index = models.CharField(max_length=64)
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["door", "network_index", "hour"], name="one_tally_per_door_and_hour"),
        ]
        indexes = [models.Index(fields=["hour"])]
