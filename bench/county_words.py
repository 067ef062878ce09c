"""What apps of a county are about, and what their functions are called."""

from collections.abc import Sequence

from numpy.random import Generator

VERBS = (
    ("提交", "上报", "填报"),
    ("查询", "查看", "检索"),
    ("审核", "审批", "核准"),
    ("发布", "公布", "发送"),
    ("预约", "预定"),
    ("登记", "录入"),
    ("统计", "汇总"),
    ("派发", "分派"),
    ("评价", "打分"),
    ("下载", "导出"),
    ("缴纳", "支付"),
    ("办结", "归档"),
)
"""Each with other words for the same; the first are what the policy knows too."""

DOMAINS = {
    "民政": ("低保申请", "临时救助", "高龄津贴", "殡葬服务", "婚姻档案", "残疾补贴", "养老床位"),
    "农业": ("农机购置", "耕地地力", "病虫测报", "农药备案", "种粮直补", "合作社名录", "土地流转"),
    "教育": ("入学报名", "学位房源", "教师考勤", "校车路线", "助学贷款", "课后托管", "学籍异动"),
    "卫生": ("疫苗接种", "家医签约", "产检档案", "慢病随访", "献血名单", "医保转诊", "护理床旁"),
    "交通": ("车辆年检", "违章罚单", "驾照换领", "道路施工", "停车泊位", "公交卡片", "超限运输"),
    "人社": ("社保参保", "失业登记", "技能培训", "劳动仲裁", "人才公寓", "工伤认定", "退休待遇"),
    "住建": ("施工许可", "房屋网签", "公积金额", "物业维修", "燃气巡线", "危房鉴定", "消防验收"),
    "环保": ("排污许可", "空气站点", "固废转移", "噪声投诉", "河长巡河", "辐射源项", "水质断面"),
    "应急": ("防汛值守", "森林火情", "危化企业", "避难场所", "隐患台账", "演练方案", "物资储备"),
    "市监": ("营业执照", "食品抽检", "电梯维保", "计量器具", "广告监测", "专利资助", "价格收费"),
    "公安": ("户口迁移", "流动人口", "养犬证件", "旅馆入住", "出入境件", "无犯罪证", "枪弹库室"),
    "文旅": ("图书借阅", "场馆时段", "非遗传承", "景区客流", "演出审批", "文物巡查", "民宿备案"),
    "税务": ("个税申报", "发票领用", "房产契税", "残保金额", "印花税源", "出口退税", "欠税公告"),
    "党建": ("组织生活", "党费台账", "主题党日", "发展对象", "驻村日志", "述职材料", "远教站点"),
    "司法": ("法律援助", "人民调解", "社区矫正", "公证事项", "行政复议", "普法讲师", "律师年审"),
    "水利": ("取水许可", "灌溉用水", "水库水位", "山洪预警", "饮水工程", "河道采砂", "水土保持"),
    "林业": ("采伐指标", "林权流转", "古树名木", "检疫要求", "护林轨迹", "苗木种源", "湿地修复"),
    "商务": ("加油站点", "会展补助", "家电换新", "电商网点", "粮油储备", "拍卖企业", "预付卡额"),
    "财政": ("预算指标", "政府采购", "惠农一卡", "票据核销", "资产处置", "绩效自评", "专户余额"),
    "工信": ("用电负荷", "技改项目", "中小企业", "无线电台", "工业园区", "首台套件", "节能监察"),
}
THINGS = (
    "申请", "进度", "名单", "金额", "档案", "材料", "证明", "计划",
    "台账", "记录", "指标", "线索", "问题", "设备", "人员", "场所",
)  # fmt: skip
COMMON = ("登录注册", "消息通知", "个人中心", "统计报表", "意见反馈", "用户管理")
"""What nearly every app has."""


class Words:
    """Draws inventories of functions; no two are drawn alike by intent, unless asked for."""

    def __init__(self, rng: Generator) -> None:
        self._rng = rng

    def inventory(self, domain: str) -> list[str]:
        """Return the functions of an app of a domain, some of which every app has."""
        rng = self._rng
        heads = [thing[:2] for thing in DOMAINS[domain]]
        names = []
        for number in rng.choice(len(heads), size=int(rng.integers(2, 5)), replace=False):
            for _ in range(int(rng.integers(2, 4))):
                verb = VERBS[rng.integers(len(VERBS))][0]
                names.append(verb + heads[number] + THINGS[rng.integers(len(THINGS))])
        names = list(dict.fromkeys(names))
        common = rng.choice(len(COMMON), size=int(rng.integers(1, 4)), replace=False)
        return names + [COMMON[number] for number in common]

    def copied(self, names: Sequence[str], kept: float, domain: str) -> list[str]:
        """Return an inventory that has a share of another's functions in words of its own, and
        some of its own besides."""
        rng = self._rng
        of = [name for name in names if name not in COMMON]
        count = round(kept * len(of))
        share = [self.reworded(of[at]) for at in rng.choice(len(of), size=count, replace=False)]
        own: list[str] = []
        while len(own) < len(of) - count + int(rng.integers(0, 2)):
            own += [name for name in self.inventory(domain) if name not in (*COMMON, *of, *own)]
        own = own[: len(of) - count + int(rng.integers(0, 2))]
        common = [COMMON[number] for number in rng.choice(len(COMMON), size=2, replace=False)]
        return share + own + common

    def reworded(self, name: str) -> str:
        """Return a function's name as another department writes it."""
        rng = self._rng
        verb, thing = name[:2], name[2:]
        others = next(group for group in VERBS if group[0] == verb)
        if rng.random() < 0.35:
            verb = str(rng.choice(others))
        return thing + verb if rng.random() < 0.4 else verb + thing
